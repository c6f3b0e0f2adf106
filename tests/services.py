"""How tests start the real service: with the shipped model where answers matter, with a tiny one everywhere else."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np

from lab.common.backend import ServiceProcess

CLASSES = ("Cataract", "Conjunctivitis", "Healthy", "Stye")


Start: TypeAlias = Callable[..., ServiceProcess]
"""Makes a service with the tiny model, to be entered with `with`; takes settings and `wait_until_healthy`."""


def write_tiny_model(folder: Path) -> Path:
    """A model that is loaded and asked in no time and takes every eye for a healthy one, with its card.

    All that a start takes with it is TensorFlow's import: about 3 seconds instead of 8.
    """
    file = folder / "tiny.h5"
    with warnings.catch_warnings():
        # What newer versions of TensorFlow and of Python have to say of each other, no test is about.
        warnings.simplefilter("ignore")
        from src.services.tensorflow_runtime import keras

        layers, of_seed = keras.layers, keras.initializers.GlorotUniform
        last = layers.Dense(len(CLASSES), activation="softmax", kernel_initializer=of_seed(2))
        looking = layers.Conv2D(4, 8, 8, name="multiply_1", input_shape=(64, 64, 3), kernel_initializer=of_seed(1))
        model = keras.Sequential([looking, layers.GlobalAveragePooling2D(), last])
        kernel, _ = last.get_weights()
        last.set_weights([kernel, 4.0 * (np.array(CLASSES) == "Healthy")])
        model.save(file, save_format="h5", include_optimizer=False)
    card = {"classes": CLASSES, "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "calibrated": True}
    file.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return file
