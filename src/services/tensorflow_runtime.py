"""TensorFlow with the Keras that can load the model. Import `tf` and `keras` from here, never directly."""

from __future__ import annotations

from src.config.process_environment import prepare_for_tensorflow

prepare_for_tensorflow()

import tensorflow as tf  # noqa: E402  (the environment has to be ready first)

keras = tf.keras

tf.get_logger().setLevel("ERROR")

__all__ = ["device_name", "enable_memory_growth", "keras", "tf"]


def enable_memory_growth() -> None:
    """Lets TensorFlow take GPU memory as it needs it instead of all of it at once.

    Has no effect after the first operation ran, so it is called before the model is loaded.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def device_name() -> str:
    """The device that the model runs on: `GPU: <name>` or `CPU`."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return "CPU"
    name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", gpus[0].name)
    return f"GPU: {name}"
