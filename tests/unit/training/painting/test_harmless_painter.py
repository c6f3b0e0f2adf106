"""Harmless paint changes something, the same way for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from src.core.types import RgbImage
from training.painting import harmless_painter
from training.painting.eye_opening import TRUSTED_CONTRAST, EyeOpening
from training.painting.harmless_painter import paint_harmless

OPENING = EyeOpening(x=120, y=95, width=110, height=43, tilt=0.0, contrast=2)


@pytest.mark.parametrize("seed", range(15))
def test_changes_the_picture_by_its_seed(drawn_eye: RgbImage, seed: int) -> None:
    painted = paint_harmless(drawn_eye, OPENING, np.random.default_rng(seed))
    assert painted.shape == drawn_eye.shape
    assert painted.dtype == np.uint8
    assert not np.array_equal(painted, drawn_eye)
    assert np.array_equal(painted, paint_harmless(drawn_eye, OPENING, np.random.default_rng(seed)))


@pytest.mark.parametrize("painter", [*harmless_painter._ANYWHERE, *harmless_painter._ON_THE_LIDS])
def test_every_mark_changes_something_and_gives_a_picture(
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


def follow_the_tilt(eye: RgbImage, opening: EyeOpening, seed: int) -> bool:
    """Whether marks far from the opening do: make-up and spectacles do, what may lie anywhere does not."""
    level, tilted = (
        paint_harmless(eye, replace(opening, tilt=tilt), np.random.default_rng(seed)) for tilt in (0.0, 0.4)
    )
    far = replace(OPENING, width=170, height=150).outside(eye.shape[0], eye.shape[1], 1.0) == 1
    return not np.array_equal(level[far], tilted[far])


def test_make_up_and_spectacles_are_painted_only_where_lids_were_found(drawn_eye: RgbImage) -> None:
    doubtful = replace(OPENING, contrast=TRUSTED_CONTRAST - 0.01)
    assert sum(follow_the_tilt(drawn_eye, OPENING, seed) for seed in range(15)) > 2
    assert not any(follow_the_tilt(drawn_eye, doubtful, seed) for seed in range(15))
