"""Painted cases know where their stye is, and differ from the untouched eye just there."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import RgbImage
from training.heatmaps.painted_cases import painted_cases

BLANK = np.full((100, 120, 3), 180, np.uint8)


def test_there_are_as_many_as_asked_for_each_another_one(drawn_eye: RgbImage) -> None:
    cases = painted_cases([drawn_eye], 6, seed=0)
    assert len({case.crop.tobytes() for case in cases}) == 6


def test_crops_and_masks_are_as_large_as_the_networks_input(drawn_eye: RgbImage) -> None:
    (case,) = painted_cases([drawn_eye], 1, seed=0)
    assert case.crop.shape == case.untouched.shape == (224, 224, 3)
    assert case.crop.dtype == case.untouched.dtype == np.uint8
    assert case.mask.shape == (224, 224)
    assert case.mask.dtype == np.bool_


def test_the_paint_is_on_the_mask(drawn_eye: RgbImage) -> None:
    for case in painted_cases([drawn_eye], 8, seed=1):
        change = np.abs(case.crop.astype(float) - case.untouched).mean(axis=2)
        assert change[case.mask].mean() > 3 * change[~case.mask].mean()


def test_no_mask_is_empty_or_half_of_the_picture(drawn_eye: RgbImage) -> None:
    for case in painted_cases([drawn_eye], 20, seed=2):
        assert 0 < case.mask.mean() < 0.5


def test_the_same_seed_gives_the_same_cases_and_another_one_others(drawn_eye: RgbImage) -> None:
    first, again, other = (painted_cases([drawn_eye], 2, seed)[1].crop.tobytes() for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_pictures_take_turns(drawn_eye: RgbImage) -> None:
    dark = (drawn_eye * 0.6).astype(np.uint8)
    brightness = [case.untouched.mean() for case in painted_cases([drawn_eye, dark], 4, seed=0)]
    assert brightness[0] == brightness[2] > brightness[1] == brightness[3]


def test_pictures_without_lids_are_passed_over(drawn_eye: RgbImage) -> None:
    with_blank, alone = painted_cases([BLANK, drawn_eye], 3, seed=0), painted_cases([drawn_eye], 3, seed=0)
    assert [case.crop.tobytes() for case in with_blank] == [case.crop.tobytes() for case in alone]


def test_without_any_lids_there_is_nothing_to_paint_on() -> None:
    with pytest.raises(ValueError, match="none of the pictures shows lids"):
        painted_cases([BLANK], 1, seed=0)
