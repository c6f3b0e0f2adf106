"""The pointing game is won by maps that are hot on the mask, and by no others."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import Heatmap, RgbImage
from training.heatmaps.pointing_game import (
    Mask,
    centre_hit_rate,
    chance_hit_rate,
    energy_inside,
    hit_rate,
    miss,
    offset,
    painted_cases,
    peak,
)

SIDE = 224
PLACE = 32


def hot_at(row: int, column: int) -> Heatmap:
    heat = np.zeros((7, 7), np.float32)
    heat[row, column] = 1
    return heat


def square(top: int, left: int, side: int) -> Mask:
    mask = np.zeros((SIDE, SIDE), np.bool_)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 3), (6, 6), (1, 5), (5, 0)])
def test_the_peak_is_in_the_middle_of_a_lonely_hot_place(row: int, column: int) -> None:
    x, y = peak(hot_at(row, column), SIDE, SIDE)
    # Half a place of room at the rim, where nothing beyond pulls the summit back to the middle.
    assert abs(x - (column + 0.5) * PLACE) <= PLACE / 2
    assert abs(y - (row + 0.5) * PLACE) <= PLACE / 2


def test_the_peak_is_drawn_to_neither_of_two_hot_places_and_follows_a_picture_that_is_not_square() -> None:
    x, y = peak(np.maximum(hot_at(3, 3), hot_at(3, 4)), SIDE, SIDE)
    assert x == pytest.approx(4 * PLACE, abs=1)
    assert y == pytest.approx(3.5 * PLACE, abs=1)
    assert list(peak(hot_at(5, 1), 700, 350)) == pytest.approx([150, 275], abs=2)


def test_a_peak_misses_by_its_distance_from_the_nearest_pixel_of_the_mask() -> None:
    assert miss(hot_at(2, 4), square(2 * PLACE, 4 * PLACE, PLACE)) == 0
    mask = square(3 * PLACE, 0, PLACE)
    x, y = peak(hot_at(3, 5), SIDE, SIDE)
    assert mask[y, 0]
    assert miss(hot_at(3, 5), mask) == pytest.approx(x - (PLACE - 1))
    # A flat map points nowhere.
    assert miss(None, np.ones((SIDE, SIDE), np.bool_)) == np.inf


def test_the_hit_rate_is_the_share_of_maps_that_point_at_their_own_mask_or_near_it() -> None:
    masks = [square(0, 0, PLACE), square(0, 0, PLACE), square(192, 192, PLACE), square(192, 192, PLACE)]
    maps = [hot_at(0, 0), hot_at(6, 6), hot_at(6, 6), None]
    assert hit_rate(maps, masks) == 0.5
    with pytest.raises(ValueError, match="longer"):
        hit_rate(maps[:1], masks)
    mask = square(3 * PLACE, 4 * PLACE, PLACE)
    gap = 4 * PLACE - peak(hot_at(3, 3), SIDE, SIDE)[0]
    assert hit_rate([hot_at(3, 3)], [mask]) == 0
    assert hit_rate([hot_at(3, 3)], [mask], gap - 1) == 0
    assert hit_rate([hot_at(3, 3)], [mask], gap) == 1


def test_chance_and_the_centre_are_what_a_map_has_to_beat() -> None:
    assert chance_hit_rate([square(0, 0, SIDE // 2), square(0, 0, SIDE)]) == pytest.approx(0.625)
    assert chance_hit_rate([square(100, 100, 20)], 10) > 2 * chance_hit_rate([square(100, 100, 20)])
    in_the_middle, aside, near = square(100, 100, 24), square(0, 0, 24), square(112, 120, 24)
    assert centre_hit_rate([in_the_middle, aside, near]) == pytest.approx(1 / 3)
    assert centre_hit_rate([in_the_middle, aside, near], 8) == pytest.approx(2 / 3)


def test_up_and_left_of_the_mask_are_negative() -> None:
    dx, dy = offset(hot_at(2, 3), square(4 * PLACE, 4 * PLACE, PLACE))
    assert dx == pytest.approx(-PLACE, abs=1)
    assert dy == pytest.approx(-2 * PLACE, abs=1)


def test_a_map_of_one_heat_has_the_masks_part_inside_and_one_that_is_hot_there_only_nearly_all() -> None:
    assert energy_inside(np.ones((7, 7), np.float32), square(0, 0, SIDE // 2)) == pytest.approx(0.25)
    mask = square(2 * PLACE, 2 * PLACE, 3 * PLACE)
    assert energy_inside(hot_at(3, 3), mask) > 0.95
    assert energy_inside(hot_at(3, 3), ~mask) < 0.05


BLANK = np.full((100, 120, 3), 180, np.uint8)


def test_painted_cases_have_their_paint_on_the_mask_and_are_what_the_network_takes(drawn_eye: RgbImage) -> None:
    cases = painted_cases([drawn_eye], 20, seed=2)
    assert len({case.crop.tobytes() for case in cases}) == 20
    for case in cases:
        assert case.crop.shape == case.untouched.shape == (224, 224, 3)
        assert case.crop.dtype == case.untouched.dtype == np.uint8
        assert case.mask.shape == (224, 224)
        assert case.mask.dtype == np.bool_
        assert 0 < case.mask.mean() < 0.5
        change = np.abs(case.crop.astype(float) - case.untouched).mean(axis=2)
        assert change[case.mask].mean() > 3 * change[~case.mask].mean()


def test_the_same_seed_gives_the_same_cases_and_another_one_others(drawn_eye: RgbImage) -> None:
    first, again, other = (painted_cases([drawn_eye], 2, seed)[1].crop.tobytes() for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_pictures_take_turns_and_those_without_lids_are_passed_over(drawn_eye: RgbImage) -> None:
    dark = (drawn_eye * 0.6).astype(np.uint8)
    brightness = [case.untouched.mean() for case in painted_cases([drawn_eye, dark], 4, seed=0)]
    assert brightness[0] == brightness[2] > brightness[1] == brightness[3]
    with_blank, alone = painted_cases([BLANK, drawn_eye], 3, seed=0), painted_cases([drawn_eye], 3, seed=0)
    assert [case.crop.tobytes() for case in with_blank] == [case.crop.tobytes() for case in alone]
    with pytest.raises(ValueError, match="none of the pictures shows lids"):
        painted_cases([BLANK], 1, seed=0)
