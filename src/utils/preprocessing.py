"""What happens to a crop before the network sees it: the same in training, evaluation and service."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from src.core.types import Box, RgbImage

PREVIEW_LONGEST_SIDE = 512
"""Pixels of the longest side of a picture in an answer."""


ALL: Final = Box(0.0, 0.0, 1.0, 1.0)
"""The place of a part that is the whole."""


def to_network_input(rgb: RgbImage, side: int, place: Box = ALL) -> RgbImage:
    """A crop squeezed to a square, RGB uint8 side x side x 3; 224 pixels for the documented network.

    Of a crop that reaches beyond the picture, `rgb` is what the picture has, and `place` where that lies, in shares of
    the crop; the rest gets its mean colour, which tells the network nothing. The network divides by 255 itself (see
    `EyeClassifier`).
    """
    rows, columns = place_in_square(place, side)
    seen = resize(rgb, columns.stop - columns.start, rows.stop - rows.start)
    if place == ALL:
        return seen
    square = np.empty((side, side, 3), np.uint8)
    square[:] = seen.mean(axis=(0, 1)).round()
    square[rows, columns] = seen
    return square


def place_in_square(place: Box, side: int) -> tuple[slice, slice]:
    """Rows and columns of a square that are taken by the part of a crop that the picture has; at least one of each."""
    left, top = (min(side - 1, round(share * side)) for share in (place.x, place.y))
    right, bottom = max(left + 1, round(place.right * side)), max(top + 1, round(place.bottom * side))
    return slice(top, bottom), slice(left, right)


def shrink_to_fit(rgb: RgbImage, longest_side: int) -> RgbImage:
    """The picture with its longest side at most `longest_side` pixels; smaller ones stay as they are."""
    # For people, who do not see that the last step averages what was averaged before.
    while max(rgb.shape) >= 2 * longest_side and _is_even(rgb):
        rgb = _half(rgb)
    height, width = rgb.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return rgb
    return resize(rgb, max(1, round(width * scale)), max(1, round(height * scale)))


def resize(rgb: RgbImage, width: int, height: int) -> RgbImage:
    """The picture at another size, averaging when it shrinks so that fine detail does not alias."""
    shrinks = width < rgb.shape[1] or height < rgb.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(_halved(rgb, width, height), (width, height), interpolation=interpolation), np.uint8)


def _halved(rgb: RgbImage, width: int, height: int) -> RgbImage:
    """The picture at half, a quarter and so on of its size, but at least twice as large as it is wanted.

    OpenCV averages two by two pixels ten times as fast as any other number. Nearer than twice, what is at the edges of
    the averaged places would count in two of them.
    """
    while rgb.shape[0] >= 4 * height and rgb.shape[1] >= 4 * width and _is_even(rgb):
        rgb = _half(rgb)
    return rgb


def _is_even(rgb: RgbImage) -> bool:
    return rgb.shape[0] % 2 == 0 and rgb.shape[1] % 2 == 0


def _half(rgb: RgbImage) -> RgbImage:
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    return np.asarray(cv2.resize(rgb, half, interpolation=cv2.INTER_AREA), np.uint8)
