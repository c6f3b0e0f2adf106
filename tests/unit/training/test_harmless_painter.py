"""Harmless paint changes something, the same way for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import RgbImage
from src.training.eye_opening import EyeOpening
from src.training.harmless_painter import paint_harmless

OPENING = EyeOpening(x=120, y=95, width=110, height=43, tilt=0.0, contrast=2)


@pytest.mark.parametrize("seed", range(15))
def test_changes_the_picture_by_its_seed(drawn_eye: RgbImage, seed: int) -> None:
    painted = paint_harmless(drawn_eye, OPENING, np.random.default_rng(seed))
    assert painted.shape == drawn_eye.shape
    assert painted.dtype == np.uint8
    assert not np.array_equal(painted, drawn_eye)
    assert np.array_equal(painted, paint_harmless(drawn_eye, OPENING, np.random.default_rng(seed)))
