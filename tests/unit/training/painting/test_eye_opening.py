"""The almond lies where the drawn eye is."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from src.core.types import Floats, RgbImage
from training.painting.eye_opening import EyeOpening, evidence_of_disease, opening_of


def outline_of(opening: EyeOpening) -> Floats:
    """The corners, and the margins of the lids at a third and two thirds of the way between them."""
    upper = [opening.margin(along, upper=True)[:2] for along in (-1 / 3, 1 / 3)]
    lower = [opening.margin(along, upper=False)[:2] for along in (1 / 3, -1 / 3)]
    along = opening.width / 2 * np.array([np.cos(opening.tilt), np.sin(opening.tilt)])
    centre = np.array([opening.x, opening.y])
    return np.array([centre - along, *upper, centre + along, *lower])


@pytest.mark.parametrize("tilt", [0.0, 0.3, -0.5])
def test_the_almond_of_an_outline_is_the_one_that_it_was_drawn_around(tilt: float) -> None:
    drawn = EyeOpening(x=100, y=80, width=90, height=40, tilt=tilt)
    assert astuple(opening_of(outline_of(drawn))) == pytest.approx(astuple(drawn))


def test_an_outline_that_has_shut_is_still_an_almond() -> None:
    opening = opening_of(np.array([(10.0, 20.0)] * 6))
    assert (opening.width, opening.height) == (1, 1)
    assert np.isfinite(opening.outside(40, 40, softness=1.0)).all()


@pytest.mark.parametrize("tilt", [0.0, 0.2, -0.2])
@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("along", [-0.7, 0.0, 0.5])
def test_the_margin_is_the_border_between_eye_and_lid(tilt: float, upper: bool, along: float) -> None:
    opening = EyeOpening(x=100, y=80, width=90, height=40, tilt=tilt)
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
    assert drawn_eye.shape == (180, 240, 3)
    return EyeOpening(x=120, y=95, width=110, height=43, tilt=0.0)


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
    tilted = EyeOpening(x=100, y=80, width=90, height=40, tilt=0.5)
    mask = evidence_of_disease("Cataract", tilted, 160, 200)
    ys, xs = np.nonzero(mask)
    along = np.cos(0.5) * (xs - 100) + np.sin(0.5) * (ys - 80)
    assert np.abs(along).max() == pytest.approx(0.3 * 90, abs=1.5)


def test_no_place_is_known_for_others_and_where_the_lids_were_not_found(opening: EyeOpening) -> None:
    for name in ("Healthy", "Stye"):
        assert not evidence_of_disease(name, opening, 180, 240).any()
    mask = evidence_of_disease("Cataract", None, 180, 240)
    assert mask.shape == (180, 240)
    assert not mask.any()
