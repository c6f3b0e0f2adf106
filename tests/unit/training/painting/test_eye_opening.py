"""The almond lies where the drawn eye is."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import RgbImage
from training.painting.eye_opening import TRUSTED_CONTRAST, EyeOpening, find_eye_opening


def test_finds_a_drawn_eye(drawn_eye: RgbImage) -> None:
    opening = find_eye_opening(drawn_eye)
    assert opening.contrast >= TRUSTED_CONTRAST
    assert (opening.x, opening.y) == (pytest.approx(120, abs=10), pytest.approx(95, abs=8))
    assert opening.width == pytest.approx(110, rel=0.3)


def test_does_not_trust_plain_skin() -> None:
    skin = np.full((120, 160, 3), (200, 150, 130), dtype=np.uint8)
    assert find_eye_opening(skin).contrast < TRUSTED_CONTRAST


@pytest.mark.parametrize("tilt", [0.0, 0.2, -0.2])
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("along", [-0.7, 0.0, 0.5])
def test_the_margin_is_the_border_between_eye_and_lid(tilt: float, upper: bool, along: float) -> None:
    opening = EyeOpening(x=100, y=80, width=90, height=40, tilt=tilt, contrast=1)
    lids = opening.outside(160, 200, softness=1.0)
    x, y, out_x, out_y = opening.margin(along, upper)
    assert np.hypot(out_x, out_y) == pytest.approx(1)
    assert (out_y < 0) == upper
    assert lids[round(y + 4 * out_y), round(x + 4 * out_x)] == 1
    assert lids[round(y - 4 * out_y), round(x - 4 * out_x)] == 0


def test_overhanging_lids_leave_less_of_the_eye() -> None:
    opening = EyeOpening(x=100, y=80, width=90, height=40, tilt=0.1, contrast=1)
    assert opening.outside(160, 200, 1.0, overhang=6).sum() > opening.outside(160, 200, 1.0).sum()
