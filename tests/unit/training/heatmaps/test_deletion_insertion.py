"""Deletion and insertion praise the order that takes away what counts, and blame the one that leaves it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from src.core.types import Heatmap, RgbImage
from tests.unit.training.heatmaps.redness_reader import STYE, ContraryReader, RednessReader
from training.heatmaps.deletion_insertion import (
    AreasPerOrder,
    areas_per_order,
    centre_first,
    hottest_first,
    partly_blurred,
)

PLACE = 32


def grey_with_a_red_place(row: int, column: int) -> RgbImage:
    crop = np.full((224, 224, 3), 120, np.uint8)
    crop[row * PLACE : (row + 1) * PLACE, column * PLACE : (column + 1) * PLACE] = (250, 20, 20)
    return crop


def test_hot_places_come_before_cold_ones_and_equally_cold_ones_in_no_order_of_their_own() -> None:
    heat = np.arange(49, dtype=np.float32).reshape(7, 7) / 48
    assert hottest_first(heat, np.random.default_rng(0)).tolist() == list(range(48, -1, -1))
    heat = np.zeros((7, 7), np.float32)
    heat[2, 3] = 1
    orders = [hottest_first(heat, np.random.default_rng(seed)).tolist() for seed in range(3)]
    assert [order[0] for order in orders] == [17, 17, 17]
    assert len({tuple(order) for order in orders}) == 3
    assert all(sorted(order) == list(range(49)) for order in orders)


def test_the_centre_order_goes_from_the_middle_to_the_corners() -> None:
    order = centre_first(7, 7).tolist()
    assert order[0] == 24
    assert set(order[1:5]) == {17, 23, 25, 31}
    assert set(order[-4:]) == {0, 6, 42, 48}
    assert sorted(order) == list(range(49))


def test_only_what_is_hidden_is_blurred_until_nothing_can_be_made_out() -> None:
    crop = grey_with_a_red_place(2, 4)
    everything, nothing = np.ones((7, 7), np.bool_), np.zeros((7, 7), np.bool_)
    one_hidden = everything.copy()
    one_hidden[2, 4] = False
    sharp, blurred, hidden = partly_blurred(crop, [everything, nothing, one_hidden])
    assert np.array_equal(sharp, crop)
    assert np.ptp(blurred.astype(int)) < 0.2 * np.ptp(crop.astype(int))
    change = np.abs(hidden.astype(int) - crop).sum(axis=2)
    assert change[2 * PLACE + 16, 4 * PLACE + 16] > 200
    assert change[:, : 3 * PLACE].max() == change[4 * PLACE :].max() == 0


def test_the_rim_of_a_hidden_place_is_no_hard_edge() -> None:
    stripes = np.zeros((224, 224, 3), np.uint8)
    stripes[::2] = 255
    shown = np.ones((7, 7), np.bool_)
    shown[:, 3:] = False
    (half,) = partly_blurred(stripes, [shown])
    steps = np.abs(np.diff(half[101].astype(int).mean(axis=1)))
    assert np.ptp(half[101]) > 100
    assert steps.max() < 10


def areas_of(reader: Any, crop: RgbImage, heatmap: Heatmap | None = None, **more: Any) -> AreasPerOrder:
    """By the reader's own map of styes, if no other is given."""
    own = reader.classify([crop])[0].heatmaps[STYE] if heatmap is None else heatmap
    return areas_per_order(reader, crop, own, STYE, np.random.default_rng(0), **more)


@pytest.mark.parametrize(("row", "column"), [(0, 6), (1, 1), (5, 0)])
def test_a_map_that_is_right_beats_random_and_centre(row: int, column: int) -> None:
    areas = areas_of(RednessReader(), grey_with_a_red_place(row, column))
    assert areas.heatmap.deletion < min(areas.random.deletion, areas.centre.deletion) - 0.1
    assert areas.heatmap.insertion > max(areas.random.insertion, areas.centre.insertion) + 0.1


def test_a_map_that_is_wrong_is_worse_than_random_and_the_centre_wins_only_where_the_evidence_is() -> None:
    wrong = areas_of(ContraryReader(), grey_with_a_red_place(1, 1))
    assert wrong.heatmap.deletion > wrong.random.deletion + 0.1
    assert wrong.heatmap.insertion < wrong.random.insertion - 0.1
    in_the_middle = areas_of(RednessReader(), grey_with_a_red_place(3, 3))
    assert in_the_middle.centre.deletion < in_the_middle.random.deletion - 0.1
    assert in_the_middle.centre.insertion > in_the_middle.random.insertion + 0.1


def test_areas_are_those_under_an_answer_that_never_changes_and_each_picture_is_scored_only_once() -> None:
    reader, all_red = RednessReader(), np.full((224, 224, 3), (255, 0, 0), np.uint8)
    areas = areas_of(reader, all_red, np.eye(7, dtype=np.float32), random_orders=2)
    assert areas.heatmap.deletion == areas.heatmap.insertion == areas.random.deletion == 1
    assert reader.crops_seen <= 2 + 6 * (2 + 2 + 2)
