"""A heatmap over its picture is read rightly: red is hot, and what is cold stays the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.utils.heatmap_overlay import lay_over, stretch

GREY = np.full((140, 210, 3), 128, np.uint8)


def hot_corner() -> np.ndarray:
    """7 x 7, hottest in the upper left corner, cold in the other three quarters."""
    heat = np.zeros((7, 7), np.float32)
    heat[:2, :2] = 1
    return heat


def test_a_cold_map_leaves_the_picture_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    assert np.array_equal(lay_over(picture, np.zeros((7, 7), np.float32)), picture)


def test_cold_places_stay_the_picture_beside_a_hot_one() -> None:
    assert np.all(lay_over(GREY, hot_corner())[80:, 120:] == 128)


def test_the_hottest_place_is_red_not_blue() -> None:
    red, green, blue = lay_over(GREY, hot_corner())[5, 5].astype(int)
    assert red > green + 30
    assert red > blue + 30


def test_a_place_with_a_little_evidence_is_tinted_blue_not_red() -> None:
    red, _green, blue = lay_over(GREY, np.full((7, 7), 0.15, np.float32))[70, 100].astype(int)
    assert blue > red


def test_the_heat_lies_where_the_map_has_it() -> None:
    heat = np.zeros((7, 7), np.float32)
    heat[5, 1] = 1
    changed = np.abs(lay_over(GREY, heat).astype(int) - 128).sum(axis=2)
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    assert row == pytest.approx(5.5 / 7 * 140, abs=12)
    assert column == pytest.approx(1.5 / 7 * 210, abs=18)


def test_the_eye_shows_through_the_hottest_place() -> None:
    dark, bright = np.zeros_like(GREY), np.full_like(GREY, 255)
    hot = np.ones((7, 7), np.float32)
    difference = lay_over(bright, hot).astype(int) - lay_over(dark, hot)
    assert difference.min() >= 0.39 * 255


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (14, 14), (224, 224)])
def test_a_map_of_any_size_is_stretched_over_the_picture(shape: tuple[int, int]) -> None:
    overlay = lay_over(GREY, np.ones(shape, np.float32))
    assert overlay.shape == GREY.shape
    assert overlay.dtype == np.uint8
    assert np.ptp(overlay, axis=(0, 1)).max() <= 2


def test_every_pixel_is_the_weighted_mean_of_the_picture_and_the_colour_of_its_heat() -> None:
    dice = np.random.default_rng(0)
    picture = dice.integers(0, 256, (140, 210, 3), dtype=np.uint8)
    heatmap = dice.random((7, 7)).astype(np.float32)
    heat = stretch(heatmap, 210, 140).clip(0, 1)
    turbo_bgr = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    expected = picture * (1 - 0.6 * heat[..., None]) + turbo_bgr[..., ::-1] * (0.6 * heat[..., None])
    difference = np.abs(lay_over(picture, heatmap) - expected)
    assert np.quantile(difference, 0.99) < 0.6
    assert difference.max() < 3


def test_the_picture_itself_is_not_painted_on() -> None:
    picture = GREY.copy()
    lay_over(picture, hot_corner())
    assert np.array_equal(picture, GREY)


class TestStretching:
    def test_a_place_keeps_its_heat_in_its_middle(self) -> None:
        heat = np.random.default_rng(0).random((7, 7)).astype(np.float32)
        # Odd parts, so that every place has a pixel in its very middle.
        large = stretch(heat, 7 * 9, 7 * 15)
        assert large.shape == (105, 63)
        np.testing.assert_allclose(large[7::15, 4::9], heat, atol=1e-5)

    def test_it_is_smooth_from_place_to_place(self) -> None:
        large = stretch(hot_corner(), 224, 224)
        assert np.abs(np.diff(large, axis=0)).max() < 2 / 32
        assert np.abs(np.diff(large, axis=1)).max() < 2 / 32

    def test_the_summit_between_two_hot_places_is_not_cut_off(self) -> None:
        heat = np.zeros((7, 7), np.float32)
        heat[3, 3:5] = 1
        large = stretch(heat, 224, 224)
        assert large.max() > 1
        assert int(large.max(axis=0).argmax()) in (127, 128)
