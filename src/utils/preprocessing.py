"""What happens to a crop before the network sees it: the same in training, evaluation and service."""

from __future__ import annotations

import cv2
import numpy as np

from src.core.types import RgbImage

PREVIEW_LONGEST_SIDE = 512
"""Pixels of the longest side of a picture in an answer."""


def to_network_input(rgb: RgbImage, side: int) -> RgbImage:
    """The picture squeezed to a square, RGB uint8 side x side x 3; 224 pixels for the documented network.

    The network divides by 255 itself (see `EyeClassifier`).
    """
    return resize(rgb, side, side)


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
