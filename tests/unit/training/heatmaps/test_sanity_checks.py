"""Heatmaps are alike if their places come in the same order; those that ignore picture or weights are found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.types import Heatmap, RgbImage
from src.services.tensorflow_runtime import keras
from tests.unit.training.heatmaps.redness_reader import STYE, BlindReader, RednessReader, StubbornReader
from training.heatmaps.sanity_checks import (
    DIRECTIONS,
    FollowScore,
    ShuffledPart,
    correlations_between_classes,
    mirror_agreement,
    mirrored,
    rank_correlation,
    save_shuffled,
    shift_agreement,
    shifted,
)


def random_map(seed: int) -> Heatmap:
    """With cold places, as Grad-CAM has them."""
    heat = np.random.default_rng(seed).normal(0.2, 0.5, (7, 7)).clip(0, None)
    return np.asarray(heat / heat.max(), np.float32)


def test_only_the_order_of_the_places_counts_ties_share_their_rank_and_a_flat_map_has_none() -> None:
    heat = random_map(0)
    assert rank_correlation(heat, heat) == rank_correlation(heat, heat**2) == pytest.approx(1)
    assert rank_correlation(heat, 1 - heat) == pytest.approx(-1)
    # Ranks 1.5, 1.5, 3, 4 against 1, 2, 3, 4: 4.5 over the root of 4.5 times 5.
    one, other = np.array([[0, 0], [0.5, 1]], np.float32), np.array([[0.1, 0.2], [0.5, 1]], np.float32)
    assert rank_correlation(one, other) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    for flat in (None, np.full((7, 7), 0.5, np.float32)):
        assert rank_correlation(flat, heat) == rank_correlation(heat, flat) == 0


def test_all_pairs_of_classes_are_compared_but_for_flat_maps() -> None:
    values = correlations_between_classes([random_map(0), None, random_map(1), 1 - random_map(0)])
    assert len(values) == 3
    assert values[1] == pytest.approx(-1)


Measure = Callable[..., FollowScore]


def speckled(seed: int) -> RgbImage:
    """Each place has a red of its own."""
    crop = np.full((224, 224, 3), 20, np.uint8)
    reds = np.random.default_rng(seed).permutation(49).reshape(7, 7) * 4 + 40
    crop[..., 0] = np.kron(reds, np.ones((32, 32)))
    return crop


CROPS = [speckled(seed) for seed in range(8)]


def test_mirroring_exchanges_left_and_right_and_nothing_else() -> None:
    assert mirrored(np.array([[1, 2, 3], [4, 5, 6]])).tolist() == [[3, 2, 1], [6, 5, 4]]


@pytest.mark.parametrize(("right", "down"), DIRECTIONS)
def test_a_shift_moves_the_picture_that_way_and_repeats_its_edge(right: int, down: int) -> None:
    moved = shifted(CROPS[0], 10 * right, 5 * down)
    assert np.array_equal(moved[100, 100], CROPS[0][100 - 5 * down, 100 - 10 * right])
    assert np.array_equal(np.roll(CROPS[0], (5 * down, 10 * right), (0, 1))[20:-20, 20:-20], moved[20:-20, 20:-20])
    edge: Any = {(1, 0): np.s_[:, 0], (-1, 0): np.s_[:, -1], (0, 1): np.s_[0], (0, -1): np.s_[-1]}[right, down]
    assert np.array_equal(moved[edge], CROPS[0][edge])


@pytest.mark.parametrize("agreement", [mirror_agreement, shift_agreement])
def test_maps_that_follow_their_picture_are_told_from_those_that_stay_and_from_flat_ones(agreement: Measure) -> None:
    def found_of(reader: RednessReader) -> FollowScore:
        return agreement(reader, CROPS, [answer.heatmaps[STYE] for answer in reader.classify(CROPS)], STYE)

    following = found_of(RednessReader())
    assert following.moved == pytest.approx(1, abs=0.01)
    assert abs(following.unmoved) < 0.3
    assert found_of(StubbornReader()).unmoved == pytest.approx(1)
    assert found_of(BlindReader()) == FollowScore(0, 0)


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


def test_each_part_has_its_layers(model_file: Path, tmp_path: Path) -> None:
    before = weights_of(model_file)
    kernels = ["scores/kernel:0", "hidden/kernel:0", "filters/kernel:0"]
    for count, part in enumerate((ShuffledPart.LAST_LAYER, ShuffledPart.HEAD, ShuffledPart.EVERYTHING), start=1):
        save_shuffled(model_file, part, 0, tmp_path / "shuffled.h5")
        after = weights_of(tmp_path / "shuffled.h5")
        assert list(before) == list(after)
        # Biases and normalisation are all alike in a new model: shuffling does not show on them.
        changed = {name for name, values in before.items() if not np.array_equal(values, after[name])}
        assert changed == set(kernels[:count])


def test_no_number_is_lost_or_new_and_the_seed_decides_their_order(model_file: Path, tmp_path: Path) -> None:
    def shuffled(seed: int) -> dict[str, Any]:
        save_shuffled(model_file, ShuffledPart.EVERYTHING, seed, tmp_path / "shuffled.h5")
        return weights_of(tmp_path / "shuffled.h5")

    first, again, other = (shuffled(seed) for seed in (1, 1, 2))
    for name, values in weights_of(model_file).items():
        assert first[name].shape == values.shape
        assert np.array_equal(np.sort(first[name], axis=None), np.sort(values, axis=None))
        assert np.array_equal(first[name], again[name])
    assert not np.array_equal(first["scores/kernel:0"], other["scores/kernel:0"])
