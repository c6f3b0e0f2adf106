"""What happens to a crop before the network sees it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from src.utils.preprocessing import resize, shrink_to_fit, to_network_input
from tests.unit.utils.picture_files import chessboard


@pytest.mark.parametrize("shape", [(300, 500), (10, 900), (32, 32), (224, 224), (3000, 10)])
def test_the_network_gets_a_square_of_bytes_whatever_the_crop_was(shape: tuple[int, int]) -> None:
    square = to_network_input(np.full((*shape, 3), (200, 100, 50), np.uint8), 224)
    assert square.shape == (224, 224, 3)
    assert square.dtype == np.uint8
    assert np.all(square == (200, 100, 50))


def test_the_whole_crop_is_squeezed_not_cropped_and_one_of_the_networks_size_not_touched() -> None:
    crop = np.zeros((100, 400, 3), np.uint8)
    crop[:, :100], crop[:, 300:] = (255, 0, 0), (0, 0, 255)
    square = to_network_input(crop, 200)
    assert np.all(square[:, :49] == (255, 0, 0))
    assert np.all(square[:, 151:] == (0, 0, 255))
    assert np.array_equal(to_network_input(square, 200), square)


def test_shrinking_averages_instead_of_picking_pixels_and_enlarging_is_smooth() -> None:
    assert np.all(np.abs(resize(chessboard(400, 1), 100, 100).astype(int) - 128) <= 1)
    steps = np.diff(resize(chessboard(8, 4), 80, 80)[20, :, 0].astype(int))
    assert np.abs(steps).max() < 60


@pytest.mark.parametrize(
    "shape", [(1000, 2000), (2000, 1000), (513, 513), (1176, 1280), (1177, 1281), (4000, 3000), (1024, 511), (1, 5000)]
)
def test_a_large_picture_shrinks_to_fit_and_keeps_its_proportions(shape: tuple[int, int]) -> None:
    height, width = shrink_to_fit(np.zeros((*shape, 3), np.uint8), 512).shape[:2]
    assert max(height, width) == 512
    assert min(height, width) == pytest.approx(max(1, min(shape) * 512 / max(shape)), abs=0.51)


@pytest.mark.parametrize("shape", [(512, 512), (40, 60), (512, 100)])
def test_a_small_picture_stays_as_it_is(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert np.array_equal(shrink_to_fit(picture, 512), picture)


@pytest.mark.parametrize(("width", "height"), [(224, 224), (300, 411), (640, 427)])
def test_shrinking_by_halves_is_nearly_what_one_step_gives(face: RgbImage, width: int, height: int) -> None:
    grain = np.random.default_rng(0).normal(0, 6, (2000, 3000, 3))
    photo = (resize(face, 3000, 2000) + grain).clip(0, 255).astype(np.uint8)
    one_step = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA).astype(int)
    difference = np.abs(resize(photo, width, height) - one_step)
    assert difference.mean() < 0.8
    assert difference.max() <= 16


def test_a_picture_less_than_four_times_as_large_is_shrunk_in_one_step(face: RgbImage) -> None:
    expected = cv2.resize(face, (224, 224), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(resize(face, 224, 224), expected)
