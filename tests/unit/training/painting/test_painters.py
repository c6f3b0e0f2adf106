"""A painted stye is one bump on a lid, harmless paint is anything else, and both are the same for the same seed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from training.painting import harmless_painter
from training.painting.eye_opening import EyeOpening
from training.painting.harmless_painter import paint_harmless
from training.painting.stye_painter import paint_stye

OPENING = EyeOpening(x=120, y=95, width=110, height=43, tilt=0.0)


@pytest.mark.parametrize("seed", range(12))
def test_a_bump_is_redder_than_the_skin_spares_the_middle_of_the_eye_and_changes_nothing_far_from_it(
    drawn_eye: RgbImage, seed: int
) -> None:
    stye = paint_stye(drawn_eye, OPENING, np.random.default_rng(seed))
    assert stye.picture.shape == drawn_eye.shape
    assert stye.picture.dtype == np.uint8
    assert stye.mask.shape == drawn_eye.shape[:2]
    assert 0.001 < stye.mask.mean() < 0.25
    assert not stye.mask[92:98, 117:123].any()
    skin_before = drawn_eye[5, 5].astype(float)
    painted = stye.picture[stye.mask].astype(float).mean(axis=0)
    assert painted[0] / painted[1] > skin_before[0] / skin_before[1]
    changed = np.abs(stye.picture.astype(int) - drawn_eye).max(axis=2) > 2
    bump_size = 2 * np.sqrt(stye.mask.sum())
    reach = cv2.distanceTransform((~stye.mask).astype(np.uint8), cv2.DIST_L2, 5)
    assert not (changed & (reach > 2 * bump_size)).any()


def test_the_seed_decides_everything_both_lids_get_styes_and_the_original_is_left_alone(drawn_eye: RgbImage) -> None:
    before = drawn_eye.copy()
    styes = [paint_stye(drawn_eye, OPENING, np.random.default_rng(seed)) for seed in range(20)]
    again = paint_stye(drawn_eye, OPENING, np.random.default_rng(3))
    assert np.array_equal(drawn_eye, before)
    assert np.array_equal(styes[3].picture, again.picture)
    assert np.array_equal(styes[3].mask, again.mask)
    assert not np.array_equal(styes[3].picture, styes[4].picture)
    rows = [np.flatnonzero(stye.mask.any(axis=1)).mean() for stye in styes]
    assert min(rows) < OPENING.y < max(rows)


@pytest.mark.parametrize("seed", range(15))
def test_harmless_paint_changes_the_picture_by_its_seed(drawn_eye: RgbImage, seed: int) -> None:
    painted = paint_harmless(drawn_eye, OPENING, np.random.default_rng(seed))
    assert painted.shape == drawn_eye.shape
    assert painted.dtype == np.uint8
    assert not np.array_equal(painted, drawn_eye)
    assert np.array_equal(painted, paint_harmless(drawn_eye, OPENING, np.random.default_rng(seed)))


@pytest.mark.parametrize("painter", harmless_painter._PAINTERS)
def test_every_harmless_mark_changes_something_and_gives_a_picture(
    drawn_eye: RgbImage, painter: harmless_painter._Painter
) -> None:
    changed = []
    for seed in range(6):
        painted = painter(drawn_eye.astype(np.float32), OPENING, np.random.default_rng(seed))
        assert painted.shape == drawn_eye.shape
        assert painted.dtype == np.float32
        assert np.isfinite(painted).all()
        changed.append(float(np.abs(painted - drawn_eye).max()))
    assert np.median(changed) > 3
