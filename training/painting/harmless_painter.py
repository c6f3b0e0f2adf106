"""Paints what is no disease: without it, a classifier could tell a painted stye by the paint alone."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from src.core.types import RgbImage
from training.painting.blob import Blob, FloatMap, blend, displace, tint, to_rgb
from training.painting.eye_opening import EyeOpening

_Painter = Callable[[FloatMap, EyeOpening, np.random.Generator], FloatMap]


def paint_harmless(rgb: RgbImage, opening: EyeOpening, rng: np.random.Generator) -> RgbImage:
    """A copy with one or two harmless marks: a spot, make-up, spectacles, glare, shadow, flush, smear or dent."""
    picture = rgb.astype(np.float32)
    for index in rng.choice(len(_PAINTERS), size=int(rng.integers(1, 3)), replace=False):
        picture = _PAINTERS[index](picture, opening, rng)
    return to_rgb(picture)


def _blob_anywhere(
    picture: FloatMap, opening: EyeOpening, rng: np.random.Generator, smallest: float, largest: float
) -> Blob:
    """A blob of half length `smallest` to `largest`, in widths of the eye, anywhere in the picture."""
    height, width = picture.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    half_length = opening.width * rng.uniform(smallest, largest)
    return Blob(
        x=rng.uniform(0, width),
        y=rng.uniform(0, height),
        out_x=float(np.cos(angle)),
        out_y=float(np.sin(angle)),
        half_length=half_length,
        half_thickness=half_length * rng.uniform(0.5, 1.0),
        unevenness=rng.uniform(0, 0.3),
        phase=rng.uniform(0, 2 * np.pi),
    )


def _pigment_spot(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    spot = _blob_anywhere(picture, opening, rng, 0.015, 0.07)
    height, width = picture.shape[:2]
    amount = spot.height_map(height, width) ** 0.4 * opening.outside(height, width, softness=2.0)
    return tint(picture, np.array([0.62, 0.5, 0.42]) * rng.uniform(0.7, 1.3), amount)


def _make_up(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    """Eye shadow: a band of any colour along the whole lid, unlike a stye's single bump."""
    height, width = picture.shape[:2]
    x, y, out_x, out_y = opening.margin(0.0, upper=bool(rng.random() < 0.8))
    reach = opening.height * rng.uniform(0.3, 0.8)
    band = Blob(x, y, out_x, out_y, half_length=0.75 * opening.width, half_thickness=reach)
    amount = np.sqrt(band.height_map(height, width)) * opening.outside(height, width, softness=3.0)
    return tint(picture, rng.uniform(0.45, 1.1, size=3), np.asarray(amount * rng.uniform(0.4, 1), dtype=np.float32))


def _spectacles(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    """A rim around the eye, and the lens a little darker or brighter than the skin around it."""
    height, width = picture.shape[:2]
    half_width = opening.width * rng.uniform(0.75, 1.15)
    half_height = half_width * rng.uniform(0.6, 0.95)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    cos, sin = np.cos(opening.tilt), np.sin(opening.tilt)
    u = (cos * (xs - opening.x) + sin * (ys - opening.y)) / half_width
    v = (-sin * (xs - opening.x) + cos * (ys - opening.y) + rng.uniform(-0.2, 0.2) * half_height) / half_height
    # A superellipse: 2 is round, 4 nearly square.
    exponent = rng.uniform(2, 4.5)
    radius = (np.abs(u) ** exponent + np.abs(v) ** exponent) ** (1 / exponent)
    lens = np.clip((1 - radius) * 20, 0, 1).astype(np.float32)
    picture = tint(picture, np.full(3, rng.uniform(0.8, 1.1)), lens)
    thickness = rng.uniform(0.02, 0.12)
    rim = np.clip(1.2 - np.abs(radius - 1) / thickness, 0, 1).astype(np.float32)
    return blend(picture, rng.uniform(0, 110, size=3), rim * np.float32(rng.uniform(0.6, 1)))


def _glare(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    """The reflection of a lamp or a window on the eye, on wet skin or on spectacles."""
    spot = _blob_anywhere(picture, opening, rng, 0.03, 0.25)
    amount = spot.height_map(*picture.shape[:2]) ** rng.uniform(0.3, 1.5) * rng.uniform(0.2, 0.95)
    return blend(picture, rng.uniform(200, 255, size=3), np.asarray(amount, dtype=np.float32))


def _shadow(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    shade = _blob_anywhere(picture, opening, rng, 0.2, 1.2)
    return tint(picture, np.full(3, rng.uniform(0.45, 0.85)), shade.height_map(*picture.shape[:2]))


def _flushed_skin(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    """Wide and without a rim, as from cold, rubbing or warm light."""
    flush = _blob_anywhere(picture, opening, rng, 0.7, 2.0)
    height, width = picture.shape[:2]
    amount = flush.height_map(height, width) * opening.outside(height, width, softness=3.0)
    return tint(picture, np.array([1.08, 0.82, 0.82]), np.asarray(amount * rng.uniform(0.3, 1), dtype=np.float32))


def _smear(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    """A patch out of focus, as from a touched lens."""
    patch = _blob_anywhere(picture, opening, rng, 0.15, 0.6)
    blurred = cv2.GaussianBlur(picture, (0, 0), max(1.0, opening.width * rng.uniform(0.01, 0.04)))
    return blend(picture, np.asarray(blurred, dtype=np.float32), np.sqrt(patch.height_map(*picture.shape[:2])))


def _dent(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    """The stretching that a painted stye brings, without its colour and light."""
    height, width = picture.shape[:2]
    patch = _blob_anywhere(picture, opening, rng, 0.1, 0.3)
    strength = rng.uniform(-0.3, 0.3) * patch.height_map(height, width)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    return displace(
        picture, np.asarray(strength * (xs - patch.x), np.float32), np.asarray(strength * (ys - patch.y), np.float32)
    )


_PAINTERS: tuple[_Painter, ...] = (
    _pigment_spot,
    _glare,
    _shadow,
    _flushed_skin,
    _smear,
    _dent,
    _make_up,
    _spectacles,
)
