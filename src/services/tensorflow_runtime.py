"""TensorFlow with the Keras that can load the model. Import `tf` and `keras` from here, never directly."""

from __future__ import annotations

import contextlib

from src.config.process_environment import prepare_for_tensorflow

prepare_for_tensorflow()

import tensorflow as tf  # noqa: E402  (the environment has to be ready first)

keras = tf.keras

tf.get_logger().setLevel("ERROR")

__all__ = [
    "device_name",
    "enable_memory_growth",
    "has_gpu",
    "keras",
    "leave_graphs_as_they_are",
    "run_each_pass_on_one_core",
    "tf",
    "use_precision",
]


def enable_memory_growth() -> None:
    """Lets TensorFlow take GPU memory as it needs it instead of all of it at once.

    A process that has computed something already keeps the memory it has.
    """
    with contextlib.suppress(RuntimeError):
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)


def run_each_pass_on_one_core() -> None:
    """Lets parallel passes share the cores instead of each pass all of them.

    A process that has computed something already keeps the threads it has: then every pass uses all cores.
    """
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(1)


def leave_graphs_as_they_are() -> None:
    """Keeps TensorFlow from looking for constants, loops and the like before a graph's first pass.

    Ours has no such places left, and the search takes almost half a second at start. What fuses operations stays on.
    """
    passes = (
        "arithmetic_optimization",
        "constant_folding",
        "dependency_optimization",
        "function_optimization",
        "layout_optimizer",
        "loop_optimization",
        "shape_optimization",
    )
    tf.config.optimizer.set_experimental_options(dict.fromkeys(passes, False))


def use_precision(precision: str) -> None:
    """In which precision every pass of this process multiplies from now on.

    Args:
        precision: float32, bfloat16 (by oneDNN, on CPUs) or tensorfloat32 (on GPUs, where it is TensorFlow's default).
    """
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision_onednn_bfloat16": precision == "bfloat16"})
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tensorfloat32")


def has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def device_name() -> str:
    """The device that the model runs on: `GPU: <name>` or `CPU`."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)
    return f"GPU: {name}"
