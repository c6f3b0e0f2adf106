"""The figures of a reader that points right are good, those of one that does not are not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from src.core.types import RgbImage
from tests.unit.training.heatmaps.redness_reader import BlindReader, RednessReader, StubbornReader
from training.heatmaps.heatmap_quality import measure_heatmaps
from training.heatmaps.painted_cases import PaintedCase

# Covers at least one place wholly, wherever it lies.
STYE_SIDE = 64


def red_bump_on_skin(seed: int) -> PaintedCase:
    dice = np.random.default_rng(seed)
    skin: RgbImage = np.full((224, 224, 3), (150, 140, 130), np.uint8)
    skin[..., 1] -= np.kron(dice.integers(0, 10, (7, 7)), np.ones((32, 32))).astype(np.uint8)
    top, left = dice.integers(0, 224 - STYE_SIDE, 2)
    mask = np.zeros((224, 224), np.bool_)
    mask[top : top + STYE_SIDE, left : left + STYE_SIDE] = True
    crop = skin.copy()
    crop[mask] = (240, 20, 20)
    return PaintedCase(crop, skin, mask)


CASES = [red_bump_on_skin(seed) for seed in range(12)]


def measured(reader: Any, **others: Any) -> dict[str, Any]:
    return measure_heatmaps(reader, CASES, others, seed=0, deletion_cases=4)


@pytest.fixture(scope="module")
def right() -> dict[str, Any]:
    return measured(RednessReader(), same=RednessReader(), other=StubbornReader(), blind=BlindReader())


@pytest.fixture(scope="module")
def stubborn() -> dict[str, Any]:
    return measured(StubbornReader())


def test_the_figures_can_be_written_on_a_card(right: dict[str, Any]) -> None:
    assert json.loads(json.dumps(right, allow_nan=False)) == right


def test_a_reader_that_points_right_wins_the_pointing_game(right: dict[str, Any]) -> None:
    assert right["n"] == 12
    assert right["recognised"] == 1
    for pointing in right["pointing"].values():
        assert pointing["heatmap"] >= 0.9
        assert pointing["heatmap"] > 2 * max(pointing["chance"], pointing["centre"])
    assert np.abs(right["median_offset_px"]).max() < 10


def test_heat_on_the_bump_counts_as_inside(right: dict[str, Any], stubborn: dict[str, Any]) -> None:
    assert right["energy_inside"] > 3 * stubborn["energy_inside"]


def test_a_reader_that_always_points_at_one_corner_loses_it(stubborn: dict[str, Any]) -> None:
    assert stubborn["pointing"]["strict"]["heatmap"] <= 0.25
    assert min(stubborn["median_offset_px"]) > 50


def test_the_right_map_is_the_best_order_to_delete_and_insert_in(right: dict[str, Any]) -> None:
    assert right["deletion"]["n"] == right["insertion"]["n"] == 4
    assert right["deletion"]["heatmap"] < min(right["deletion"]["random"], right["deletion"]["centre"])
    assert right["insertion"]["heatmap"] > max(right["insertion"]["random"], right["insertion"]["centre"])


def test_opposite_maps_of_two_classes_are_seen_to_differ(right: dict[str, Any]) -> None:
    assert right["class_difference"]["n"] == 12
    assert right["class_difference"]["rank_correlation"] == pytest.approx(-1)


def test_a_map_that_survives_shuffling_is_told_from_one_that_does_not(right: dict[str, Any]) -> None:
    assert right["randomisation"]["same"] == {"n": 24, "rank_correlation": 1}
    assert abs(right["randomisation"]["other"]["rank_correlation"]) < 0.3
    assert right["randomisation"]["blind"] == {"n": 0, "rank_correlation": None}


@pytest.mark.parametrize("motion", ["mirror", "shift"])
def test_only_a_map_that_follows_the_picture_agrees_when_moved(
    right: dict[str, Any], stubborn: dict[str, Any], motion: str
) -> None:
    assert right[motion]["moved"] > 0.9 > right[motion]["unmoved"]
    assert stubborn[motion]["unmoved"] == pytest.approx(1)


def test_a_reader_that_shows_nothing_hits_nothing_and_still_gets_a_card() -> None:
    blind = measured(BlindReader())
    assert blind["flat"] == 12
    assert blind["pointing"]["strict"]["heatmap"] == 0
    assert blind["median_offset_px"] is blind["energy_inside"] is None
    assert blind["deletion"] == {"n": 0, "heatmap": None, "random": None, "centre": None}
    json.dumps(blind, allow_nan=False)
