"""A heatmap as a person can read it: laid over the picture that it belongs to."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap, RgbImage

# The hottest place still shows the eye through the colour; cold places are the picture itself.
_STRONGEST_TINT = 0.6


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
    colours_bgr = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_TURBO)
    colours = cv2.cvtColor(colours_bgr, cv2.COLOR_BGR2RGB).astype(np.float32)
    tint = (heat * _STRONGEST_TINT)[..., np.newaxis]
    return np.asarray(picture * (1 - tint) + colours * tint, dtype=np.uint8)
