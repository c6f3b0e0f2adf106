"""What happens to a crop before the network sees it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from src.utils.preprocessing import resize, shrink_to_fit, to_network_input


def chessboard(side: int, square: int) -> RgbImage:
    rows, columns = np.indices((side, side)) // square
    return np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("shape", [(300, 500), (10, 900), (32, 32), (224, 224), (3000, 10)])
def test_the_network_gets_a_square_of_bytes_whatever_the_crop_was(shape: tuple[int, int]) -> None:
    square = to_network_input(np.full((*shape, 3), (200, 100, 50), np.uint8), 224)
    assert square.shape == (224, 224, 3)
    assert square.dtype == np.uint8
    assert np.all(square == (200, 100, 50))


def test_a_crop_of_the_networks_size_is_not_touched(face: RgbImage) -> None:
    crop = np.ascontiguousarray(face[:224, :224])
    assert np.array_equal(to_network_input(crop, 224), crop)


def test_the_whole_crop_is_squeezed_not_cropped() -> None:
    crop = np.zeros((100, 400, 3), np.uint8)
    crop[:, :100], crop[:, 300:] = (255, 0, 0), (0, 0, 255)
    square = to_network_input(crop, 200)
    assert np.all(square[:, :49] == (255, 0, 0))
    assert np.all(square[:, 151:] == (0, 0, 255))


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    assert np.all(np.abs(resize(chessboard(400, 1), 100, 100).astype(int) - 128) <= 1)


def test_enlarging_is_smooth() -> None:
    steps = np.diff(resize(chessboard(8, 4), 80, 80)[20, :, 0].astype(int))
    assert np.abs(steps).max() < 60


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((1000, 2000), (256, 512)), ((2000, 1000), (512, 256)), ((513, 513), (512, 512)), ((1, 5000), (1, 512))],
)
def test_a_large_picture_shrinks_to_fit_and_keeps_its_proportions(
    shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert shrink_to_fit(np.zeros((*shape, 3), np.uint8), 512).shape[:2] == expected


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


@pytest.mark.parametrize("size", [(1176, 1280), (1177, 1281), (4000, 3000), (512, 1024), (1024, 511)])
def test_previews_of_any_size_fit(size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), np.uint8)
    height, width = shrink_to_fit(picture, 512).shape[:2]
    assert max(height, width) == 512
    assert height / width == pytest.approx(size[0] / size[1], rel=0.01)
