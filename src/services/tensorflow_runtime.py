"""TensorFlow with the Keras that can load the model, and how passes run: device, precision, how many eyes at once.

Import `tf` and `keras` from here, never directly.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from src.config.process import cpu_flags, prepare_for_tensorflow
from src.config.settings import MOST_EYES_PER_PASS, Settings
from src.core.errors import StartupError

prepare_for_tensorflow()

import tensorflow as tf  # noqa: E402  (the environment has to be ready first)

keras = tf.keras

tf.get_logger().setLevel("ERROR")

# What is imported here to be imported from here.
__all__ = ["keras", "tf"]

# One eye per pass, each pass on one core: measured faster than splitting a pass among the cores, because nothing waits
# for anything else; and the answer on an eye does not depend on the eyes beside it.
_EYES_PER_PASS_ON_CPU = 1
# One computes while the other's results are fetched.
_PASSES_AT_ONCE_ON_GPU = 2

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})


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
    """In which precision every pass of this process multiplies from now on, see `choose_precision`.

    On CPUs oneDNN does bfloat16; on GPUs tensorfloat32 is TensorFlow's default.
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


def choose_precision(asked: str, *, bfloat16_agrees: bool) -> str:
    """In which precision to multiply: what is asked for, or what is fast without changing answers.

    That is float32, bfloat16 (8 bits of precision; CPU) or tensorfloat32 (11 bits; GPU).

    Raises:
        StartupError: the device does not have the precision that is asked for.
    """
    has_bfloat16 = not has_gpu() and cpu_has_bfloat16()
    if asked == "auto":
        return "bfloat16" if has_bfloat16 and bfloat16_agrees else "float32"
    if asked == "bfloat16" and not has_bfloat16:
        raise StartupError(
            "INFERENCE_PRECISION is wrong: bfloat16 needs a CPU with avx512_bf16 or amx_bf16, and no GPU."
        )
    if asked == "tensorfloat32" and not has_gpu():
        raise StartupError("INFERENCE_PRECISION is wrong: tensorfloat32 needs a GPU.")
    return asked


def eyes_per_pass(settings: Settings) -> int:
    """How many eyes a pass takes at most."""
    return settings.inference_batch_size or (MOST_EYES_PER_PASS if has_gpu() else _EYES_PER_PASS_ON_CPU)


def passes_at_once(settings: Settings) -> int:
    """How many passes run side by side at most."""
    return _PASSES_AT_ONCE_ON_GPU if has_gpu() else settings.worker_thread_count


def cpu_has_bfloat16(cpu_description: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor multiplies bfloat16 itself; False where there is no such file to tell (not Linux)."""
    return bool(_BFLOAT16_FLAGS & cpu_flags(cpu_description))
