"""The real detector, and small models in the place of the real one where its size does not matter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.services.assets import Assets
from src.services.eye_locator import EyeLocator
from src.services.tensorflow_runtime import keras, tf

SaveModel = Callable[[Any], Path]


def random_pictures(count: int, side: int) -> Any:
    """A tensor of noise, uint8 (count, side, side, 3)."""
    return tf.constant(np.random.default_rng(count).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def learn(layers: Iterable[Any]) -> None:
    """Statistics as after a training; those that Keras starts with would hide a mistake."""
    for seed, layer in enumerate(layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            dice = np.random.default_rng(seed + 1)
            layer.set_weights([dice.uniform(0.3, 2, values.shape).astype(np.float32) for values in layer.get_weights()])


@pytest.fixture(scope="session")
def locator(assets: Assets, settings: Settings) -> EyeLocator:
    return EyeLocator.from_settings(assets, settings)


@pytest.fixture
def save_model(tmp_path: Path) -> SaveModel:
    """Writes a Keras model as the .h5 that a user would have."""

    def save(model: Any) -> Path:
        file = tmp_path / "model.h5"
        model.save(file, save_format="h5", include_optimizer=False)
        return file

    return save


@pytest.fixture(scope="session")
def keras_model(settings: Settings) -> Any:
    """The shipped model as Keras itself loads it, for second opinions."""
    return keras.models.load_model(settings.model_path, compile=False)


@pytest.fixture(scope="session")
def temperature(settings: Settings) -> float:
    """By which the shipped model's logits are divided, as its card says: Keras does not know of it."""
    card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
    return float(card.get("calibration", {}).get("temperature", 1.0))


@pytest.fixture(scope="session")
def small_model() -> Any:
    """64 x 64 RGB to four classes in milliseconds, built as the documented graph is: a nested backbone, a gate, an
    average, a softmax."""
    layers = keras.layers
    weights = keras.initializers.GlorotUniform(seed=7)
    inside = keras.Input((64, 64, 3), name="inside")
    features = layers.Conv2D(8, 5, 4, padding="same", activation="relu", kernel_initializer=weights)(inside)
    pictures = keras.Input((64, 64, 3), name="pictures")
    features = keras.Model(inside, features, name="backbone")(pictures)
    features = layers.MaxPooling2D(2, name="coarse")(features)
    gates = layers.Conv2D(1, 3, padding="same", activation="sigmoid", kernel_initializer=weights, name="gates")(
        features
    )
    gated = layers.Multiply(name="gated")([features, gates])
    pooled = layers.GlobalAveragePooling2D(name="pooled")(gated)
    scores = layers.Dense(4, activation="softmax", kernel_initializer=weights, name="scores")(pooled)
    return keras.Model(pictures, scores)
