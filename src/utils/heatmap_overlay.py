"""A heatmap as a person can read it: laid over the picture that it belongs to."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap, RgbImage

# The hottest place still shows the eye through the colour; cold places are the picture itself.
_STRONGEST_TINT = np.float32(0.6)
# What stretching takes from a heat of 1 in single precision: without it, an evenly hot place is in two colours.
_ROUNDING = np.float32(0.001)


def _turbo_rgb() -> npt.NDArray[np.uint8]:
    """OpenCV's colour map "turbo" as 256 RGB colours, 256x1x3; OpenCV itself has it as BGR."""
    levels = np.arange(256, dtype=np.uint8).reshape(256, 1)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB), dtype=np.uint8)


_COLOURS = _turbo_rgb()


def stretch(heatmap: Heatmap, width: int, height: int) -> npt.NDArray[np.float32]:
    """The heatmap as large as its picture, smooth from place to place.

    Between two hot places it may rise a little above 1, and beside a hot place fall a little below 0.
    """
    return np.asarray(cv2.resize(heatmap, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def lay_over(picture: RgbImage, heatmap: Heatmap) -> RgbImage:
    """The picture, tinted from blue (some evidence) to red (most evidence) where the heatmap is warm.

    Args:
        picture: RGB uint8 HxWx3.
        heatmap: 0 to 1, of any size; stretched over the whole picture.

    Returns:
        RGB uint8, same size as `picture`.
    """
    height, width = picture.shape[:2]
    heat = stretch(heatmap, width, height).clip(0, 1)
    colours = cv2.applyColorMap((heat * 255 + _ROUNDING).astype(np.uint8), _COLOURS)
    tint = heat * _STRONGEST_TINT
    return np.asarray(cv2.blendLinear(picture, colours, 1 - tint, tint), dtype=np.uint8)
