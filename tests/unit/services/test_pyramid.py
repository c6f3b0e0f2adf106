"""Every size shows the same picture, is made once, and small sizes cost no enlarged ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from src.services.pyramid import Pyramid
from src.utils.preprocessing import resize


@pytest.mark.parametrize("side", [160, 240, 320, 640, 1280])
@pytest.mark.parametrize("longest_side", [100, 500, 640, 1500])
def test_the_longest_side_is_what_was_asked_for(face: RgbImage, longest_side: int, side: int) -> None:
    pyramid = Pyramid(resize(face, longest_side, longest_side // 2), 640)
    assert pyramid.longest_side == longest_side
    assert pyramid.at(side).shape == (side // 2, side, 3)
    assert pyramid.grey(side).shape == (side // 2, side)


@pytest.mark.parametrize("side", [160, 208, 240, 288, 320, 640])
def test_every_size_shows_the_same_picture(face: RgbImage, side: int) -> None:
    large = resize(face, 1280, 1280)
    expected = cv2.cvtColor(resize(large, side, side), cv2.COLOR_RGB2GRAY).astype(float)
    assert np.abs(Pyramid(large, 640).grey(side) - expected).mean() < 3
    assert np.abs(Pyramid(large, 640).grey(side)[::-1] - expected).mean() > 20


@pytest.mark.parametrize("shape", [(1, 20_000, 3), (20_000, 1, 3), (1, 1, 3)])
def test_no_size_is_empty(shape: tuple[int, int, int]) -> None:
    pyramid = Pyramid(np.zeros(shape, np.uint8), 640)
    for side in (160, 208, 640):
        assert max(pyramid.grey(side).shape) == side
        assert min(pyramid.grey(side).shape) >= 1


def test_each_size_is_made_once_and_a_small_picture_not_enlarged_for_it(face: RgbImage) -> None:
    small = resize(face, 400, 400)
    pyramid = Pyramid(small, 640)
    assert pyramid.at(320) is pyramid.at(320)
    assert pyramid.grey(208) is pyramid.grey(208)
    assert np.array_equal(pyramid.at(160), resize(small, 160, 160))
