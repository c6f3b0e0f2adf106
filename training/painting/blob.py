"""A soft ellipse with an uneven rim: what the painters paint with."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage

FloatMap = npt.NDArray[np.float32]
"""Height x width."""


@dataclass(frozen=True, slots=True)
class Blob:
    """Place and shape in pixels of a picture: the thickness is along the axis of the unit vector `out`, the length
    along that axis turned by a right angle. The unevenness is 0 (an ellipse) to about 0.3; the phase (radians) says
    where the rim's dents are.
    """

    x: float
    y: float
    out_x: float
    out_y: float
    half_length: float
    half_thickness: float
    unevenness: float = 0.0
    phase: float = 0.0

    def height_map(self, height: int, width: int, size: float = 1.0) -> FloatMap:
        """A dome over a blob `size` times as large: 1 in its middle, 0 from its rim on, smooth."""
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        dx, dy = xs - self.x, ys - self.y
        p = (-self.out_y * dx + self.out_x * dy) / (self.half_length * size)
        q = (self.out_x * dx + self.out_y * dy) / (self.half_thickness * size)
        angle = np.arctan2(q, p)
        rim = 1 + self.unevenness * (0.6 * np.sin(2 * angle + self.phase) + 0.4 * np.sin(3 * angle - 2 * self.phase))
        return np.asarray(np.clip(1 - (p**2 + q**2) / rim**2, 0, None) ** 1.5, dtype=np.float32)


def tint(picture: FloatMap, colour_gain: npt.NDArray[np.float64], amount: FloatMap) -> FloatMap:
    """Multiplies each channel by its gain where `amount` is 1, so that the paint keeps the skin's tone and light."""
    return np.asarray(picture * (1 + (colour_gain - 1) * amount[..., None]), dtype=np.float32)


def blend(below: FloatMap, above: FloatMap | npt.NDArray[np.float64], amount: FloatMap) -> FloatMap:
    """`above` where `amount` is 1, `below` where it is 0."""
    return np.asarray(below + (above - below) * amount[..., None], dtype=np.float32)


def displace(picture: FloatMap, shift_x: FloatMap, shift_y: FloatMap) -> FloatMap:
    """Each pixel takes the colour from (x + shift_x, y + shift_y)."""
    ys, xs = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]].astype(np.float32)
    moved = cv2.remap(picture, xs + shift_x, ys + shift_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, dtype=np.float32)


def to_rgb(picture: FloatMap) -> RgbImage:
    """Float 0-255, rounded and clipped to uint8."""
    return np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8)
