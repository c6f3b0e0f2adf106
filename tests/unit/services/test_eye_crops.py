"""An eye is cut out by one rule, and what lies outside of its picture is filled in one way."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import Box, EyeRegion, EyeSide, EyeSource, RgbImage
from src.services.eye_crops import cut_eye
from src.utils.preprocessing import ALL, resize


def region(box: Box) -> EyeRegion:
    return EyeRegion(EyeSide.LEFT, box, EyeSource.EYE_FINDER, openness=0.3, sure=False, lids_visible=False)


def test_inside_of_the_picture_the_network_sees_what_people_see(face: RgbImage) -> None:
    crop = cut_eye(face, region(Box(280.4, 90.2, 80, 70)), 224)
    assert crop is not None
    assert crop.box == Box(280, 90, 81, 71)
    assert crop.place == ALL
    assert np.array_equal(crop.preview, face[90:161, 280:361])
    assert np.array_equal(crop.network_input, resize(crop.preview, 224, 224))
    assert crop.quality.shortest_side == 71
    assert (crop.quality.openness, crop.quality.sure, crop.quality.lids_visible) == (0.3, False, False)


def test_outside_of_it_the_network_sees_the_mean_colour_and_people_see_nothing(face: RgbImage) -> None:
    crop = cut_eye(face, region(Box(-40, -60, 160, 120)), 200)
    assert crop is not None
    assert crop.box == Box(0, 0, 120, 60)
    assert crop.place == Box(0.25, 0.5, 0.75, 0.5)
    assert crop.preview.shape == (60, 120, 3)
    seen = crop.network_input[100:, 50:]
    assert np.array_equal(seen, resize(crop.preview, 150, 100))
    filled = np.concatenate([crop.network_input[:100].reshape(-1, 3), crop.network_input[:, :50].reshape(-1, 3)])
    assert np.ptp(filled, axis=0).max() == 0
    assert filled[0] == pytest.approx(seen.mean(axis=(0, 1)), abs=0.51)


def test_for_a_model_that_learnt_such_crops_they_end_with_the_picture(face: RgbImage) -> None:
    crop = cut_eye(face, region(Box(-40, -60, 160, 120)), 200, filled=False)
    assert crop is not None
    assert crop.place == ALL
    assert np.array_equal(crop.network_input, resize(face[:60, :120], 200, 200))


def test_quality_is_measured_on_what_the_picture_has(eye_photo: RgbImage) -> None:
    height, width = eye_photo.shape[:2]
    alone = cut_eye(eye_photo, region(Box(0, 0, width, height)), 224)
    framed = cut_eye(eye_photo, region(Box(-width / 4, -height / 4, 1.5 * width, 1.5 * height)), 336)
    assert alone is not None
    assert framed is not None
    assert framed.quality.sharpness == pytest.approx(alone.quality.sharpness, abs=0.01)
    assert framed.quality.brightness == pytest.approx(alone.quality.brightness, abs=0.5)


def test_where_there_is_nothing_to_see_there_is_no_crop(face: RgbImage) -> None:
    assert cut_eye(face, region(Box(700, 0, 50, 50)), 224) is None
    assert cut_eye(np.full((100, 100, 3), 90, np.uint8), region(Box(10, 10, 50, 50)), 224) is None
