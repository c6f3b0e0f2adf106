"""The pointing game: whether the hottest pixel of a heatmap lies on what the heatmap should show.

It is played on eyes with a painted stye, whose place is known, prepared as the service would see them.

Zhang et al., "Top-down neural attention by excitation backprop", IJCV 2018. A flat map points nowhere: it counts as a
miss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from src.core.types import Heatmap, RgbImage
from src.services.grad_cam import stretch
from src.utils import geometry
from training.data.eyes import find_eyes, network_input_of
from training.learning.network import INPUT_SIDE
from training.painting.camera import framing_of
from training.painting.eye_opening import opening_of
from training.painting.stye_painter import paint_stye

Mask = npt.NDArray[np.bool_]

STANDARD_TOLERANCE = 15.0
"""Pixels of a 224-pixel picture by which the paper lets a peak miss."""
_MOST_TURNS = 10
"""Per case: on a few tiny pictures every bump may be too small to be seen on the crop."""


@dataclass(frozen=True, slots=True)
class PaintedCase:
    """RGB uint8 INPUT_SIDE x INPUT_SIDE x 3 with the stye and without it, and the mask of the bump, never empty."""

    crop: RgbImage
    untouched: RgbImage
    mask: Mask


def painted_cases(pictures: Sequence[RgbImage], count: int, seed: int, *, filled: bool = True) -> list[PaintedCase]:
    """Paints a new stye on each picture in turn until there are `count` cases, as crops `filled` or not.

    Pictures in which the lids were not found are passed over, because a bump on a cheek is no stye.

    Raises:
        ValueError: the lids were found in none of them, or no bump can be seen.
    """
    usable = [
        (picture, eye, eye.outline) for picture in pictures for eye in find_eyes(picture)[:1] if eye.outline is not None
    ]
    if not usable:
        raise ValueError("none of the pictures shows lids to paint a stye on")
    rng = np.random.default_rng(seed)
    cases: list[PaintedCase] = []
    turn = 0
    while len(cases) < count and turn < _MOST_TURNS * count:
        picture, eye, outline = usable[turn % len(usable)]
        turn += 1
        stye = paint_stye(picture, opening_of(outline), rng)
        height, width = stye.mask.shape
        box = eye.box if filled else geometry.whole_pixels(eye.box, width, height) or eye.box
        mask = framing_of(box, height, width).coverage(stye.mask, INPUT_SIDE) >= 0.5
        crop, untouched = (network_input_of(rgb, eye, INPUT_SIDE, filled=filled) for rgb in (stye.picture, picture))
        if mask.any() and crop is not None and untouched is not None:
            cases.append(PaintedCase(crop, untouched, mask))
    if not cases:
        raise ValueError("no painted stye could be seen on these pictures")
    return cases


def peak(heatmap: Heatmap, width: int, height: int) -> tuple[int, int]:
    """(x, y) of the hottest pixel once the heatmap is stretched over a picture of that size."""
    # Not clipped as for the eye: all of a clipped summit would tie, and the first pixel of a tie is its upper left.
    row, column = np.unravel_index(int(stretch(heatmap, width, height).argmax()), (height, width))
    return int(column), int(row)


def miss(heatmap: Heatmap | None, mask: Mask) -> float:
    """Pixels from the heatmap's peak to the nearest one of the mask: 0 on it, infinite for a flat map."""
    if heatmap is None:
        return math.inf
    height, width = mask.shape
    x, y = peak(heatmap, width, height)
    return float(_distances(mask)[y, x])


def hit_rate(heatmaps: Sequence[Heatmap | None], masks: Sequence[Mask], tolerance: float = 0.0) -> float:
    """Share (0-1) of the heatmaps that point at their mask, or at most `tolerance` pixels beside it."""
    return float(np.mean([miss(heatmap, mask) <= tolerance for heatmap, mask in zip(heatmaps, masks, strict=True)]))


def chance_hit_rate(masks: Sequence[Mask], tolerance: float = 0.0) -> float:
    """What pointing at any pixel at random would hit."""
    return float(np.mean([(_distances(mask) <= tolerance).mean() for mask in masks]))


def centre_hit_rate(masks: Sequence[Mask], tolerance: float = 0.0) -> float:
    """What pointing at the middle of each picture would hit."""
    return float(np.mean([_distances(mask)[mask.shape[0] // 2, mask.shape[1] // 2] <= tolerance for mask in masks]))


def offset(heatmap: Heatmap, mask: Mask) -> tuple[float, float]:
    """(dx, dy) in pixels from the middle of the mask to the heatmap's peak; up and left are negative."""
    height, width = mask.shape
    x, y = peak(heatmap, width, height)
    ys, xs = np.nonzero(mask)
    return x - float(xs.mean()), y - float(ys.mean())


def energy_inside(heatmap: Heatmap, mask: Mask) -> float:
    """Share (0-1) of all heat that lies on the mask.

    Wang et al., "Score-CAM: score-weighted visual explanations for convolutional neural networks", CVPRW 2020.
    """
    height, width = mask.shape
    heat = stretch(heatmap, width, height).clip(0, None)
    return float(heat[mask].sum() / heat.sum())


def _distances(mask: Mask) -> npt.NDArray[np.float32]:
    """Of each pixel to the mask."""
    # OpenCV's distanceTransform says now this, now that about pixels at equal distances.
    return np.asarray(distance_transform_edt(~mask), dtype=np.float32)
