"""What is worn or held before faces: masks, spectacles, hair, hands."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Floats
from training.finder.labels import LabelledEye, LabelledPhoto


def other_of_pair(eye: LabelledEye, eyes: Sequence[LabelledEye]) -> LabelledEye | None:
    """The other eye of the same face, by its distance."""
    others = [other for other in eyes if other is not eye and 1.2 < _apart(eye, other) < 3.5]
    return min(others, key=lambda other: _apart(eye, other), default=None)


def _apart(one: LabelledEye, other: LabelledEye) -> float:
    return float(np.hypot(*(one.centre - other.centre))) / max(one.width, other.width)


def covered(
    photo: LabelledPhoto, rng: np.random.Generator, *, masks: bool
) -> tuple[npt.NDArray[np.uint8], list[LabelledEye]]:
    """The picture with a mask over the mouth, spectacles, hair or a hand before one eye, now and then."""
    grey, eyes = photo.grey, list(photo.eyes)
    if masks and photo.is_face and rng.random() < 0.45:
        grey = grey.copy()
        for eye in eyes:
            other = other_of_pair(eye, eyes)
            if other is not None and eye.centre[0] < other.centre[0]:
                _paint_mask(grey, eye, other, rng)
    if eyes and rng.random() < 0.2:
        grey = grey.copy()
        for eye in eyes:
            _paint_spectacles(grey, eye, rng)
    if photo.is_face and len(eyes) > 1 and rng.random() < 0.12:
        grey = grey.copy()
        hidden = eyes.pop(int(rng.integers(len(eyes))))
        _paint_cover(grey, hidden, rng)
    return grey, eyes


def _paint_mask(grey: npt.NDArray[np.uint8], left: LabelledEye, right: LabelledEye, rng: np.random.Generator) -> None:
    """A polygon over nose, mouth and chin, even or with stripes."""
    across = right.centre - left.centre
    down = np.array([-across[1], across[0]])
    top = rng.uniform(0.28, 0.6)
    shape = np.array(
        [(0, top), (0.9, top + 0.3), (0.95, 1.1), (0.5, 1.75), (0, 1.95), (-0.5, 1.75), (-0.95, 1.1), (-0.9, top + 0.3)]
    )
    shape = shape + rng.normal(0, 0.04, shape.shape)
    outline = (left.centre + right.centre) / 2 + shape[:, :1] * across + shape[:, 1:] * down
    covered = np.zeros_like(grey)
    cv2.fillPoly(covered, [np.rint(outline).astype(np.int32)], [1.0])
    ys, xs = np.nonzero(covered)
    if not len(ys):
        return
    depth = (ys - ys.min()) / max(1, np.ptp(ys))
    shade = (
        rng.uniform(10, 245) + rng.uniform(0, 30) * np.sin(depth * rng.uniform(5, 60)) + rng.uniform(-40, 40) * depth
    )
    grey[ys, xs] = np.clip(shade + rng.normal(0, rng.uniform(0, 8), len(ys)), 0, 255).astype(np.uint8)


def _paint_spectacles(grey: npt.NDArray[np.uint8], eye: LabelledEye, rng: np.random.Generator) -> None:
    centre = eye.centre + rng.normal(0, 0.08, 2) * eye.width
    axes = (eye.width * rng.uniform(0.75, 1.0), eye.width * rng.uniform(0.5, 0.8))
    thickness = max(1, round(eye.width * rng.uniform(0.02, 0.12)))
    colour = float(rng.choice([20, 60, 120, 200]))
    if rng.random() < 0.3:
        _tint(grey, centre, axes, float(rng.choice([20, 160, 230])), rng.uniform(0.1, 0.6))
    if rng.random() < 0.5:
        cv2.ellipse(grey, (_xy(centre), (2 * axes[0], 2 * axes[1]), float(np.rad2deg(eye.angle))), [colour], thickness)
    else:
        corners = cv2.boxPoints((_xy(centre), (2 * axes[0], 2 * axes[1]), float(np.rad2deg(eye.angle))))
        cv2.polylines(grey, [np.rint(corners).astype(np.int32)], True, [colour], thickness)
    if rng.random() < 0.4:
        start = centre + rng.uniform(-0.5, 0.5, 2) * axes
        glare = np.rint([start, start + rng.uniform(-0.6, 0.6, 2) * axes]).astype(int)
        cv2.line(grey, glare[0].tolist(), glare[1].tolist(), [240.0], max(1, thickness))


def _tint(
    grey: npt.NDArray[np.uint8], centre: Floats, axes: tuple[float, float], colour: float, opacity: float
) -> None:
    """A lens that is dark, or in which a window is mirrored."""
    lens = np.zeros_like(grey)
    cv2.ellipse(lens, (_xy(centre), (2 * axes[0], 2 * axes[1]), 0.0), [1.0], -1)
    inside = lens > 0
    grey[inside] = (grey[inside] * (1 - opacity) + colour * opacity).astype(np.uint8)


def _xy(point: Floats) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _paint_cover(grey: npt.NDArray[np.uint8], eye: LabelledEye, rng: np.random.Generator) -> None:
    """Hair, a hand, an eye patch or a dark lens: nothing of the eye is left to be seen."""
    radius = eye.width * rng.uniform(0.75, 1.1)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 12))
    points = eye.centre + radius * rng.uniform(0.85, 1.2, (12, 1)) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    circle = eye.centre + 0.75 * radius * np.stack([np.cos(np.arange(0, 6.3, 0.3)), np.sin(np.arange(0, 6.3, 0.3))], 1)
    colour = float(rng.uniform(5, 230))
    cv2.fillPoly(grey, [np.rint(points).astype(np.int32)], [colour])
    cv2.fillPoly(grey, [np.rint(circle).astype(np.int32)], [colour])
