"""Measures of quality follow what they are named after, and nothing else."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from src.utils.preprocessing import resize, to_network_input
from src.utils.quality import brightness, contrast, sharpness
from tests.unit.utils.picture_files import chessboard


@pytest.fixture
def crop(face: RgbImage) -> RgbImage:
    """A part of a portrait with an eye in it."""
    return to_network_input(np.ascontiguousarray(face[60:220, 230:390]), 224)


def blurred(picture: RgbImage, sigma: float) -> RgbImage:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def noisy(picture: RgbImage, levels: float) -> RgbImage:
    noise = np.random.default_rng(0).normal(0, levels, picture.shape)
    return (picture + noise).clip(0, 255).astype(np.uint8)


class TestSharpness:
    def test_every_blur_makes_a_picture_less_sharp(self, crop: RgbImage) -> None:
        measured = [sharpness(crop), *(sharpness(blurred(crop, sigma)) for sigma in (1, 2, 4, 8))]
        assert all(one - other > 0.02 for one, other in itertools.pairwise(measured))

    @pytest.mark.parametrize("gain", [0.25, 0.5, 0.75])
    def test_a_darker_picture_is_as_sharp(self, crop: RgbImage, gain: float) -> None:
        assert sharpness((crop * gain).astype(np.uint8)) == pytest.approx(sharpness(crop), abs=0.02)

    @pytest.mark.parametrize("levels", [3, 5, 8])
    def test_noise_does_not_make_a_blurred_picture_sharp(self, crop: RgbImage, levels: float) -> None:
        out_of_focus = blurred(crop, 5)
        assert sharpness(noisy(out_of_focus, levels)) < (sharpness(crop) + sharpness(out_of_focus)) / 2

    def test_it_does_not_depend_on_the_size_of_the_picture(self, crop: RgbImage) -> None:
        out_of_focus = blurred(crop, 4)
        assert sharpness(resize(out_of_focus, 448, 448)) == pytest.approx(sharpness(out_of_focus), abs=0.02)

    def test_it_is_a_share(self, crop: RgbImage) -> None:
        finest = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
        for picture in (crop, finest, chessboard(224, 4), blurred(crop, 20)):
            assert 0 < sharpness(picture) < 1


class TestBrightness:
    @pytest.mark.parametrize("level", [0, 100, 255])
    def test_it_is_the_grey_level_of_a_flat_picture_which_is_neither_sharp_nor_has_contrast(self, level: int) -> None:
        flat = np.full((20, 30, 3), level, np.uint8)
        assert (brightness(flat), sharpness(flat), contrast(flat)) == (level, 0, 0)

    def test_green_is_brighter_than_red_and_red_than_blue_and_half_the_light_half_as_bright(
        self, crop: RgbImage
    ) -> None:
        colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
        red, green, blue = (brightness(np.full((9, 9, 3), colour, np.uint8)) for colour in colours)
        assert green > red > blue
        assert brightness((crop * 0.5).astype(np.uint8)) == pytest.approx(brightness(crop) / 2, abs=1)


def test_contrast_is_in_levels_of_grey() -> None:
    assert contrast(chessboard(64, 8)) == pytest.approx(127.5)
