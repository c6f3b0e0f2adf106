"""A shuffled model is made of the same numbers, in another order, and only where it should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras
from training.heatmaps.weight_shuffling import ShuffledPart, save_shuffled


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as the documented graph is: a backbone of its own, a hidden layer, scores."""
    layers = keras.layers
    inside = keras.Input((8, 8, 3))
    features = layers.BatchNormalization()(layers.Conv2D(4, 3, name="filters")(inside))
    pictures = keras.Input((8, 8, 3))
    pooled = layers.GlobalAveragePooling2D()(keras.Model(inside, features, name="backbone")(pictures))
    hidden = layers.Dense(6, activation="relu", name="hidden")(pooled)
    model = keras.Model(pictures, layers.Dense(4, activation="softmax", name="scores")(hidden))
    file = tmp_path_factory.mktemp("whole") / "model.h5"
    model.save(file, save_format="h5", include_optimizer=False)
    return file


def weights_of(file: Path) -> dict[str, Any]:
    return {weight.name: weight.numpy() for weight in keras.models.load_model(file, compile=False).weights}


@pytest.mark.parametrize(
    ("part", "kernels"),
    [
        (ShuffledPart.LAST_LAYER, {"scores/kernel:0"}),
        (ShuffledPart.HEAD, {"scores/kernel:0", "hidden/kernel:0"}),
        (ShuffledPart.EVERYTHING, {"scores/kernel:0", "hidden/kernel:0", "filters/kernel:0"}),
    ],
)
def test_each_part_has_its_layers(model_file: Path, tmp_path: Path, part: ShuffledPart, kernels: set[str]) -> None:
    save_shuffled(model_file, part, 0, tmp_path / "shuffled.h5")
    before, after = weights_of(model_file), weights_of(tmp_path / "shuffled.h5")
    assert list(before) == list(after)
    # Biases and normalisation are all alike in a new model: shuffling does not show on them.
    assert {name for name, values in before.items() if not np.array_equal(values, after[name])} == kernels


def test_no_number_is_lost_or_new(model_file: Path, tmp_path: Path) -> None:
    save_shuffled(model_file, ShuffledPart.EVERYTHING, 0, tmp_path / "shuffled.h5")
    after = weights_of(tmp_path / "shuffled.h5")
    for name, values in weights_of(model_file).items():
        assert after[name].shape == values.shape
        assert np.array_equal(np.sort(after[name], axis=None), np.sort(values, axis=None))


def test_the_same_seed_gives_the_same_order_and_another_one_another(model_file: Path, tmp_path: Path) -> None:
    orders = []
    for number, seed in enumerate((1, 1, 2)):
        file = tmp_path / f"{number}.h5"
        save_shuffled(model_file, ShuffledPart.LAST_LAYER, seed, file)
        orders.append(weights_of(file)["scores/kernel:0"].tobytes())
    assert orders[0] == orders[1] != orders[2]
