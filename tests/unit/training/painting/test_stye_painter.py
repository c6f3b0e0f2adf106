"""A painted stye is one bump on a lid, and the rest of the picture stays as it was."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from training.painting.eye_opening import EyeOpening
from training.painting.stye_painter import paint_stye

OPENING = EyeOpening(x=120, y=95, width=110, height=43, tilt=0.0, contrast=2)
SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bump_is_there_and_redder_than_before(drawn_eye: RgbImage, seed: int) -> None:
    stye = paint_stye(drawn_eye, OPENING, np.random.default_rng(seed))
    assert stye.picture.shape == drawn_eye.shape
    assert stye.picture.dtype == np.uint8
    assert stye.mask.shape == drawn_eye.shape[:2]
    assert 0.001 < stye.mask.mean() < 0.25
    skin_before = drawn_eye[5, 5].astype(float)
    painted = stye.picture[stye.mask].astype(float).mean(axis=0)
    assert painted[0] / painted[1] > skin_before[0] / skin_before[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_changes_far_from_the_bump(drawn_eye: RgbImage, seed: int) -> None:
    stye = paint_stye(drawn_eye, OPENING, np.random.default_rng(seed))
    changed = np.abs(stye.picture.astype(int) - drawn_eye).max(axis=2) > 2
    bump_size = 2 * np.sqrt(stye.mask.sum())
    reach = cv2.distanceTransform((~stye.mask).astype(np.uint8), cv2.DIST_L2, 5)
    assert not (changed & (reach > 2 * bump_size)).any()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bump_spares_the_middle_of_the_eye(drawn_eye: RgbImage, seed: int) -> None:
    assert not paint_stye(drawn_eye, OPENING, np.random.default_rng(seed)).mask[92:98, 117:123].any()


def test_the_seed_decides_everything(drawn_eye: RgbImage) -> None:
    first, again, other = (paint_stye(drawn_eye, OPENING, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(first.picture, again.picture)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.picture, other.picture)


def test_the_original_is_left_alone(drawn_eye: RgbImage) -> None:
    before = drawn_eye.copy()
    paint_stye(drawn_eye, OPENING, np.random.default_rng(0))
    assert np.array_equal(drawn_eye, before)


def test_both_lids_get_styes(drawn_eye: RgbImage) -> None:
    rows = [
        np.flatnonzero(paint_stye(drawn_eye, OPENING, np.random.default_rng(seed)).mask.any(axis=1)).mean()
        for seed in range(20)
    ]
    assert min(rows) < OPENING.y < max(rows)
