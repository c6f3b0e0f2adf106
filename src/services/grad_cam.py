"""Grad-CAM: where in a crop the evidence for a class is, and the same laid over the crop for people to read.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV 2017. The
gradient is that of the class logit: a saturated softmax has no gradient left to show.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Box, Heatmap, RgbImage
from src.utils.preprocessing import ALL

# Single precision carries about seven digits: a map whose range, absolute or next to its values, is below this shows
# rounding.
_FLAT = 1e-6
# The hottest place still shows the eye through the colour; cold places are the picture itself.
_STRONGEST_TINT = np.float32(0.6)
# What stretching takes from a heat of 1 in single precision: without it, an evenly hot place is in two colours.
_ROUNDING = np.float32(0.001)
# OpenCV's colour map "turbo", which it has as BGR, in RGB: 256x1x3.
_COLOURS = cv2.cvtColor(
    cv2.applyColorMap(np.arange(256, dtype=np.uint8).reshape(256, 1), cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB
)


def class_activation_maps(activations: Any, logits: Any) -> Any:
    """One map per class, inside a graph that has computed both tensors already: no second forward pass.

    Args:
        activations: tensor, batch x height x width x channels, of the chosen layer.
        logits: tensor, batch x classes, computed from `activations`.

    Returns:
        tensor, batch x classes x height x width, 0 or more, not scaled.

    Raises:
        ValueError: the logits do not depend on the activations.
    """
    # Only graphs need TensorFlow: who lays maps over pictures does without it.
    from src.services.tensorflow_runtime import tf  # noqa: PLC0415

    maps = []
    for index in range(logits.shape[1]):
        (gradients,) = tf.gradients(logits[:, index], activations)
        if gradients is None:
            raise ValueError("the logits do not depend on this layer")
        channel_weights = tf.reduce_mean(gradients, axis=[1, 2])
        maps.append(tf.nn.relu(tf.einsum("bhwc,bc->bhw", activations, channel_weights)))
    return tf.stack(maps, axis=1)


def scale_heatmap(raw: npt.NDArray[np.float32]) -> Heatmap | None:
    """The map, 0 or more, divided by its maximum; None where it is flat and therefore shows nothing."""
    smallest, largest = float(raw.min()), float(raw.max())
    if not np.isfinite(largest) or largest - smallest < _FLAT * max(1.0, largest):
        return None
    return np.asarray(raw / largest, dtype=np.float32)


def stretch(heatmap: Heatmap, width: int, height: int) -> npt.NDArray[np.float32]:
    """The heatmap as large as its picture, smooth from place to place.

    Between two hot places it may rise a little above 1, and beside a hot place fall a little below 0.
    """
    return np.asarray(cv2.resize(heatmap, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def lay_over(picture: RgbImage, heatmap: Heatmap, place: Box = ALL) -> RgbImage:
    """The picture, tinted from blue (some evidence) to red (most evidence) where the heatmap is warm.

    A heatmap of any size is stretched over the whole crop, of which the picture has the part at `place`, in shares.
    """
    height, width = picture.shape[:2]
    heat = _part_of(heatmap, width, height, place).clip(0, 1)
    colours = cv2.applyColorMap((heat * 255 + _ROUNDING).astype(np.uint8), _COLOURS)
    tint = heat * _STRONGEST_TINT
    return np.asarray(cv2.blendLinear(picture, colours, 1 - tint, tint), dtype=np.uint8)


def _part_of(heatmap: Heatmap, width: int, height: int, place: Box) -> npt.NDArray[np.float32]:
    if place == ALL:
        return stretch(heatmap, width, height)
    whole_width, whole_height = round(width / place.width), round(height / place.height)
    left, top = round(place.x * whole_width), round(place.y * whole_height)
    left, top = min(left, whole_width - width), min(top, whole_height - height)
    whole = stretch(heatmap, whole_width, whole_height)
    return np.ascontiguousarray(whole[top : top + height, left : left + width])
