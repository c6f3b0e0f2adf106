"""A heatmap that follows its picture is told from one that stays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from src.core.types import RgbImage
from tests.unit.training.heatmaps.redness_reader import STYE, BlindReader, RednessReader, StubbornReader
from training.heatmaps.moved_crops import (
    DIRECTIONS,
    Agreement,
    mirror_agreement,
    mirrored,
    shift_agreement,
    shifted,
)

Measure = Callable[..., Agreement]


def speckled(seed: int) -> RgbImage:
    """Each place has a red of its own."""
    crop = np.full((224, 224, 3), 20, np.uint8)
    reds = np.random.default_rng(seed).permutation(49).reshape(7, 7) * 4 + 40
    crop[..., 0] = np.kron(reds, np.ones((32, 32)))
    return crop


CROPS = [speckled(seed) for seed in range(8)]


def test_mirroring_exchanges_left_and_right_and_nothing_else() -> None:
    assert mirrored(np.array([[1, 2, 3], [4, 5, 6]])).tolist() == [[3, 2, 1], [6, 5, 4]]
    assert np.array_equal(mirrored(mirrored(CROPS[0])), CROPS[0])


@pytest.mark.parametrize(("right", "down"), DIRECTIONS)
def test_a_shift_moves_the_picture_that_way_and_repeats_its_edge(right: int, down: int) -> None:
    moved = shifted(CROPS[0], 10 * right, 5 * down)
    assert np.array_equal(moved[100, 100], CROPS[0][100 - 5 * down, 100 - 10 * right])
    assert np.array_equal(np.roll(CROPS[0], (5 * down, 10 * right), (0, 1))[20:-20, 20:-20], moved[20:-20, 20:-20])
    edge = {(1, 0): np.s_[:, 0], (-1, 0): np.s_[:, -1], (0, 1): np.s_[0], (0, -1): np.s_[-1]}[right, down]
    assert np.array_equal(moved[edge], CROPS[0][edge])


@pytest.mark.parametrize("agreement", [mirror_agreement, shift_agreement])
def test_a_map_that_follows_agrees_when_it_is_moved_and_only_then(agreement: Measure) -> None:
    reader = RednessReader()
    heatmaps = [answer.heatmaps[STYE] for answer in reader.classify(CROPS)]
    found = agreement(reader, CROPS, heatmaps, STYE)
    assert found.moved == pytest.approx(1, abs=0.01)
    assert abs(found.unmoved) < 0.3


@pytest.mark.parametrize("agreement", [mirror_agreement, shift_agreement])
def test_a_map_that_ignores_the_picture_agrees_best_unmoved(agreement: Measure) -> None:
    reader = StubbornReader()
    heatmaps = [answer.heatmaps[STYE] for answer in reader.classify(CROPS)]
    found = agreement(reader, CROPS, heatmaps, STYE)
    assert found.unmoved == pytest.approx(1)


@pytest.mark.parametrize("agreement", [mirror_agreement, shift_agreement])
def test_flat_maps_agree_with_nothing(agreement: Measure) -> None:
    found = agreement(BlindReader(), CROPS, [None] * len(CROPS), STYE)
    assert found.moved == found.unmoved == 0
