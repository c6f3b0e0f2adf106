"""The TensorFlow in use is one that can load the model."""

from __future__ import annotations

import pytest

from src.services.tensorflow_runtime import device_name, enable_memory_growth, keras, tf


def test_keras_knows_the_layers_of_the_documented_graph() -> None:
    """Keras 3 does not."""
    layer = keras.layers.deserialize(
        {"class_name": "TFOpLambda", "config": {"name": "tf.math.reduce_mean", "function": "math.reduce_mean"}}
    )
    assert layer.name == "tf.math.reduce_mean"


def test_the_device_is_named() -> None:
    gpus = tf.config.list_physical_devices("GPU")
    assert device_name().startswith("GPU: ") if gpus else device_name() == "CPU"


@pytest.mark.skipif(not tf.config.list_physical_devices("GPU"), reason="this machine has no GPU")
def test_gpu_memory_is_taken_as_it_is_needed() -> None:
    enable_memory_growth()
    assert all(tf.config.experimental.get_memory_growth(gpu) for gpu in tf.config.list_physical_devices("GPU"))
