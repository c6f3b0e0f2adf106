"""The almond lies where the drawn eye is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from src.core.types import RgbImage
from training.painting.eye_opening import TRUSTED_CONTRAST, EyeOpening, evidence_of_disease, find_eye_opening


def test_finds_a_drawn_eye_and_does_not_trust_plain_skin(drawn_eye: RgbImage) -> None:
    opening = find_eye_opening(drawn_eye)
    assert opening.contrast >= TRUSTED_CONTRAST
    assert opening.x == pytest.approx(120, abs=10)
    assert opening.y == pytest.approx(95, abs=8)
    assert opening.width == pytest.approx(110, rel=0.3)
    skin = np.full((120, 160, 3), (200, 150, 130), dtype=np.uint8)
    assert find_eye_opening(skin).contrast < TRUSTED_CONTRAST


@pytest.mark.parametrize("tilt", [0.0, 0.2, -0.2])
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("along", [-0.7, 0.0, 0.5])
def test_the_margin_is_the_border_between_eye_and_lid(tilt: float, upper: bool, along: float) -> None:
    opening = EyeOpening(x=100, y=80, width=90, height=40, tilt=tilt, contrast=1)
    lids = opening.outside(160, 200, softness=1.0)
    # Overhanging lids leave less of the eye.
    assert opening.outside(160, 200, softness=1.0, overhang=6).sum() > lids.sum()
    x, y, out_x, out_y = opening.margin(along, upper)
    assert np.hypot(out_x, out_y) == pytest.approx(1)
    assert (out_y < 0) == upper
    assert lids[round(y + 4 * out_y), round(x + 4 * out_x)] == 1
    assert lids[round(y - 4 * out_y), round(x - 4 * out_x)] == 0


@pytest.fixture
def opening(drawn_eye: RgbImage) -> EyeOpening:
    return find_eye_opening(drawn_eye)


def test_conjunctivitis_shows_in_the_opening_and_a_cataract_in_its_middle(
    drawn_eye: RgbImage, opening: EyeOpening
) -> None:
    cataract, whole = (
        evidence_of_disease(name, opening, *drawn_eye.shape[:2]) for name in ("Cataract", "Conjunctivitis")
    )
    skin = np.abs(drawn_eye.astype(int) - (205, 160, 135)).max(axis=2) < 15
    assert whole[95, 120]
    assert whole[~skin].mean() > 0.7
    assert whole[skin].mean() < 0.1
    assert cataract[95, 120]
    assert not (cataract & ~whole).any()
    assert 0.5 < cataract.sum() / whole.sum() < 0.85
    assert np.flatnonzero(cataract.any(axis=0)).mean() == pytest.approx(opening.x, abs=3)


def test_the_pupil_of_a_tilted_eye_is_found_along_its_tilt() -> None:
    tilted = EyeOpening(x=100, y=80, width=90, height=40, tilt=0.5, contrast=2)
    mask = evidence_of_disease("Cataract", tilted, 160, 200)
    ys, xs = np.nonzero(mask)
    along = np.cos(0.5) * (xs - 100) + np.sin(0.5) * (ys - 80)
    assert np.abs(along).max() == pytest.approx(0.3 * 90, abs=1.5)


def test_no_place_is_known_for_others_and_where_the_lids_were_not_found(opening: EyeOpening) -> None:
    for name in ("Healthy", "Stye"):
        assert not evidence_of_disease(name, opening, 180, 240).any()
    mask = evidence_of_disease("Cataract", replace(opening, contrast=TRUSTED_CONTRAST - 0.01), 180, 240)
    assert mask.shape == (180, 240)
    assert not mask.any()
