"""Where the lids part, as an almond that can be painted on; and where in it a disease shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.core.types import Floats

_LOWER_SHARE = 0.42
"""The lower lid is the flatter one."""
_LENS_SHARE = 0.6
"""Of the width of the opening: the cornea, and the lens behind it, are a little less than half of it."""


@dataclass(frozen=True, slots=True)
class EyeOpening:
    """An almond in pixels of its picture: the centre of the line between the corners of the eye, its width between
    these, its height from lid to lid, and its tilt in radians, clockwise.
    """

    x: float
    y: float
    width: float
    height: float
    tilt: float

    def margin(self, along: float, upper: bool) -> tuple[float, float, float, float]:
        """The x and y of a place on a lid's margin, and the unit vector (x, y) that points from there away from the
        eye.

        `along` goes from -1 (corner on the left of the picture) to 1 (corner on the right).
        """
        share = 1 - _LOWER_SHARE if upper else -_LOWER_SHARE
        u = along * self.width / 2
        v = -share * self.height * (1 - along**2)
        slope = 2 * share * self.height * along / (self.width / 2)
        out_u, out_v = (slope, -1.0) if upper else (-slope, 1.0)
        norm = float(np.hypot(out_u, out_v))
        cos, sin = float(np.cos(self.tilt)), float(np.sin(self.tilt))
        x, y = self.x + cos * u - sin * v, self.y + sin * u + cos * v
        return x, y, (cos * out_u - sin * out_v) / norm, (sin * out_u + cos * out_v) / norm

    def outside(self, height: int, width: int, softness: float, overhang: float = 0.0) -> npt.NDArray[np.float32]:
        """Float32 map of that size: 0 on the eye, 1 on the lids, rising over `softness` pixels.

        Lids that hang over the eye count as lids up to `overhang` pixels from their margin.
        """
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        u = (cos * (xs - self.x) + sin * (ys - self.y)) / (self.width / 2)
        v = -sin * (xs - self.x) + cos * (ys - self.y)
        arch = self.height * np.clip(1 - u**2, 0, None)
        over = np.maximum(-(1 - _LOWER_SHARE) * arch - v, v - _LOWER_SHARE * arch)
        over = np.maximum(over, (np.abs(u) - 1) * self.width / 2)
        return np.asarray(np.clip((over + overhang) / softness + 0.5, 0, 1), dtype=np.float32)


def opening_of(outline: Floats) -> EyeOpening:
    """The almond of an outline, 6 x (x, y): the corner on the left, two points of the upper lid, the other corner, two
    of the lower lid (see `EyeRegion`).
    """
    left, right = outline[0], outline[3]
    along = right - left
    width = max(1.0, float(np.hypot(*along)))
    x, y = (left + right) / 2
    # Perpendicular to the line between the corners, downwards. At a third of the width a parabola has 8/9 of its arch.
    down = (-along[1] * (outline[:, 0] - x) + along[0] * (outline[:, 1] - y)) / width
    height = (down[[4, 5]].mean() - down[[1, 2]].mean()) * 9 / 8
    return EyeOpening(float(x), float(y), width, max(1.0, float(height)), float(np.arctan2(along[1], along[0])))


def evidence_of_disease(class_name: str, opening: EyeOpening | None, height: int, width: int) -> npt.NDArray[np.bool_]:
    """True where a disease shows, as a mask of a picture of that size.

    A cataract shows in the pupil, conjunctivitis in the white of the eye. Nothing is True where the lids were not
    found, for healthy eyes (what is missing has no place), and for styes (each lies somewhere else; painted ones come
    with a mask of their own).
    """
    if opening is None or class_name not in {"Cataract", "Conjunctivitis"}:
        return np.zeros((height, width), dtype=np.bool_)
    inside = opening.outside(height, width, softness=1.0) < 0.5
    if class_name == "Cataract":
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        along = np.cos(opening.tilt) * (xs - opening.x) + np.sin(opening.tilt) * (ys - opening.y)
        inside &= np.abs(along) < _LENS_SHARE * opening.width / 2
    return np.asarray(inside, dtype=np.bool_)
