"""Where the lids part in a close-up of one eye, an almond fitted to what is not skin; and where in it a disease shows.

Landmarks need a whole face, and most training pictures show one eye only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage

TRUSTED_CONTRAST = 0.9
"""Fits with this contrast or more are nearly always right."""

_WORK_SIDE = 96
_WIDTHS = (0.26, 0.34, 0.44, 0.56, 0.70)
"""Of the almond, as parts of the picture's width."""
_HEIGHTS = (0.34, 0.45, 0.60)
"""Of the almond, as parts of its own width."""
_TILTS = (-14.0, 0.0, 14.0)
"""Degrees, clockwise in the picture."""
_LOWER_SHARE = 0.42
"""The lower lid is the flatter one."""
_LENS_SHARE = 0.6
"""Of the width of the opening: the cornea, and the lens behind it, are a little less than half of it."""


@dataclass(frozen=True, slots=True)
class EyeOpening:
    """An almond in pixels of its picture: the centre of the line between the corners of the eye, its width between
    these, its height from lid to lid, and its tilt in radians, clockwise. The contrast, how much less like skin the
    inside is than the surroundings, compares with `TRUSTED_CONTRAST`.
    """

    x: float
    y: float
    width: float
    height: float
    tilt: float
    contrast: float

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


def find_eye_opening(rgb: RgbImage) -> EyeOpening:
    """The best fitting almond near the middle of a close-up of one eye (RGB uint8 HxWx3); look at its `contrast`."""
    unlike_skin = _unlike_skin(rgb)
    ys, xs = np.mgrid[0:_WORK_SIDE, 0:_WORK_SIDE] / (_WORK_SIDE - 1) - 0.5
    # An eyebrow is no skin either, and lies above the middle.
    prior = -3.0 * (xs**2 + 1.5 * (ys - 0.02) ** 2)
    aspect = rgb.shape[1] / rgb.shape[0]

    best_score, best = -np.inf, (0, 0, 0.0, 0.0, 0.0, 0.0)
    for width in _WIDTHS:
        for relative_height in _HEIGHTS:
            height = width * relative_height * aspect
            if height > 0.7:
                continue
            for tilt in _TILTS:
                kernel = _almond_kernel(width, height, tilt)
                contrast = cv2.filter2D(unlike_skin, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
                # Of two equally clear almonds the larger one explains more of the picture.
                score = contrast + prior + 0.5 * width
                row, column = np.unravel_index(int(np.argmax(score)), score.shape)
                if score[row, column] > best_score:
                    best_score = float(score[row, column])
                    best = (int(column), int(row), width, height, tilt, float(contrast[row, column]))
    best_column, best_row, width, height, tilt, contrast_there = best
    return EyeOpening(
        x=best_column / (_WORK_SIDE - 1) * (rgb.shape[1] - 1),
        y=best_row / (_WORK_SIDE - 1) * (rgb.shape[0] - 1),
        width=width * rgb.shape[1],
        height=height * rgb.shape[0],
        tilt=float(np.deg2rad(tilt)),
        contrast=contrast_there,
    )


def _unlike_skin(rgb: RgbImage) -> npt.NDArray[np.float32]:
    """Distance from the colour of the picture's rim, in its own deviations, 0-3, work side squared."""
    small = cv2.resize(rgb, (_WORK_SIDE, _WORK_SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.GaussianBlur(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), (0, 0), 1.2).astype(np.float32)
    rim = np.ones((_WORK_SIDE, _WORK_SIDE), dtype=bool)
    rim[_WORK_SIDE // 4 : -_WORK_SIDE // 6, _WORK_SIDE // 6 : -_WORK_SIDE // 6] = False
    rim[: _WORK_SIDE // 4] = False
    skin = np.median(lab[rim], axis=0)
    spread = np.abs(lab[rim] - skin).mean(axis=0) + np.array([12.0, 3.0, 3.0], dtype=np.float32)
    distance = np.sqrt((((lab - skin) / spread) ** 2 * np.array([0.5, 1.0, 1.0], dtype=np.float32)).sum(axis=2))
    return np.asarray(np.clip(distance, 0, 3), dtype=np.float32)


def _almond_kernel(width: float, height: float, tilt: float) -> npt.NDArray[np.float32]:
    """Mean inside the almond minus mean of a ring around it. Sizes are parts of the work side."""
    inner = EyeOpening(0, 0, width * _WORK_SIDE, height * _WORK_SIDE, float(np.deg2rad(tilt)), 0)
    outer = EyeOpening(0, 0, 1.35 * inner.width, 1.8 * inner.height, inner.tilt, 0)
    half = int(np.ceil(0.7 * max(outer.width, outer.height)))
    side = 2 * half + 1
    inside, around = (
        1 - replace(almond, x=half, y=half).outside(side, side, softness=1.0) for almond in (inner, outer)
    )
    ring = np.clip(around - inside, 0, 1)
    return np.asarray(inside / inside.sum() - ring / ring.sum(), dtype=np.float32)


def evidence_of_disease(class_name: str, opening: EyeOpening, height: int, width: int) -> npt.NDArray[np.bool_]:
    """True where a disease shows, as a mask of a picture of that size.

    A cataract shows in the pupil, conjunctivitis in the white of the eye. Nothing is True where the lids were not
    found, for healthy eyes (what is missing has no place), and for styes (each lies somewhere else; painted ones come
    with a mask of their own).
    """
    if opening.contrast < TRUSTED_CONTRAST or class_name not in {"Cataract", "Conjunctivitis"}:
        return np.zeros((height, width), dtype=np.bool_)
    inside = opening.outside(height, width, softness=1.0) < 0.5
    if class_name == "Cataract":
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        along = np.cos(opening.tilt) * (xs - opening.x) + np.sin(opening.tilt) * (ys - opening.y)
        inside &= np.abs(along) < _LENS_SHARE * opening.width / 2
    return np.asarray(inside, dtype=np.bool_)
