"""Puts the eye of one picture between the lids of another, so that no class is told by the camera it comes from."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Floats, RgbImage
from src.utils import geometry
from training.painting.blob import FloatMap, blend, to_rgb

_REACH = 1.12
"""The part that is put in, over the opening: the margins of the lids come along."""
_SOFTNESS = 0.04
"""Of its rim, over the width of the eye."""
_RING = 1.9
"""Skin around the eye, by which light and tone are compared, over the opening."""
_MOST_GAIN = 1.8


def transplant(
    source: RgbImage, source_outline: Floats, host: RgbImage, host_outline: Floats, rng: np.random.Generator
) -> RgbImage:
    """The host with the source's eye in the place of its own.

    Pictures are RGB uint8 HxWx3; outlines are 6 x (x, y), see `EyeRegion`. As often as not the eye is mirrored. It
    takes on more or less of the light that falls on the host's skin.
    """
    if rng.random() < 0.5:
        mirrored = np.ascontiguousarray(source[:, ::-1])
        outline = source_outline[[3, 2, 1, 0, 5, 4]] * (-1, 1) + (source.shape[1] - 1, 0)
        return _put_in(mirrored, outline, host, host_outline, rng)
    return _put_in(source, source_outline, host, host_outline, rng)


def _put_in(
    source: RgbImage, source_outline: Floats, host: RgbImage, host_outline: Floats, rng: np.random.Generator
) -> RgbImage:
    height, width = host.shape[:2]
    to_host = _affine(source_outline, host_outline)
    shrink = float(np.sqrt(abs(np.linalg.det(to_host[:, :2]))))
    seen = source if shrink >= 1 else cv2.GaussianBlur(source, (0, 0), 0.4 / shrink)
    moved = cv2.warpAffine(
        seen, to_host, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    eye_width = geometry.corner_distance(host_outline)
    amount = _spread(host_outline, _REACH, (height, width), _SOFTNESS * eye_width)
    known = cv2.warpAffine(np.ones(source.shape[:2], np.float32), to_host, (width, height))
    around = (_spread(host_outline, _RING, (height, width), 1.0) > 0.5) & (amount < 0.05) & (known > 0.99)
    if np.count_nonzero(around) > 30:
        gain = (host[around].mean(axis=0) + 8) / (moved[around].mean(axis=0) + 8)
        moved = moved * np.clip(gain ** rng.uniform(0.4, 1.0), 1 / _MOST_GAIN, _MOST_GAIN).astype(np.float32)
    return to_rgb(blend(host.astype(np.float32), moved, amount))


def _affine(source: Floats, host: Floats) -> npt.NDArray[np.float64]:
    """By corners and the middles of the lids, as near as an affine map comes to all four."""
    chosen = [np.stack([points[0], points[3], points[1:3].mean(0), points[4:6].mean(0)]) for points in (source, host)]
    known = np.hstack([chosen[0], np.ones((4, 1))])
    solved, *_ = np.linalg.lstsq(known, chosen[1], rcond=None)
    return np.asarray(solved.T, dtype=np.float64)


def _spread(outline: Floats, reach: float, shape: tuple[int, int], softness: float) -> FloatMap:
    """1 on the opening `reach` times as large, 0 outside, soft at the rim."""
    centre = outline.mean(axis=0)
    larger = centre + reach * (outline - centre)
    filled = np.zeros(shape, np.float32)
    cv2.fillPoly(filled, [np.rint(_rounded(larger)).astype(np.int32)], [1.0])
    return np.asarray(cv2.GaussianBlur(filled, (0, 0), max(0.5, softness)), dtype=np.float32)


def _rounded(outline: Floats) -> Floats:
    """A curve through the six points, by the parabolas of the lids."""
    left, right = outline[0], outline[3]
    share = np.linspace(0, 1, 15)[:, None]
    line = left + share * (right - left)
    arch = 4 * share * (1 - share) * 9 / 8
    upper = outline[1:3].mean(0) - (left + right) / 2
    lower = outline[4:6].mean(0) - (left + right) / 2
    return np.concatenate([line + arch * upper, (line + arch * lower)[::-1]])
