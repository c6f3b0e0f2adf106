"""Paints a stye on a photograph of an eye without one: there are too few photographs of real styes to learn from.

Modelled on what the real ones have in common: a swelling that begins at the margin of one lid and bulges away from the
eye, redder than the skin around it, shaded like a dome, often wet, sometimes with a yellow head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage
from training.painting.blob import Blob, FloatMap, blend, displace, tint, to_rgb
from training.painting.eye_opening import EyeOpening

_HUES = np.array(
    [
        [1.12, 0.58, 0.56],  # inflamed
        [1.10, 0.68, 0.74],  # pink
        [0.95, 0.55, 0.68],  # purple, an older or deeper one
        [1.08, 0.74, 0.66],  # early, little more than warm skin
    ]
)
"""Gain of red, green and blue over the skin's own colour at full strength."""

_PUS_OVER_SKIN = np.array([1.35, 1.35, 1.05])

_MARGIN_INSIDE = 0.85
"""Make-up and lashes lift the fitted margin; a bump a little too low is a drooping lid, one too high floats."""

_ATTEMPTS = 20
_SWOLLEN_LID_SHARE = 0.55
"""Most people who photograph a stye have one that takes up half of the lid."""

_HEAD_SHARE = 0.4
_RED_EYE_SHARE = 0.35
"""A stye often irritates the eye; without these, every red eye would count as conjunctivitis."""

_MASK_FROM = 0.08
"""Height of the dome from which a pixel belongs to the bump."""


@dataclass(frozen=True, slots=True)
class PaintedStye:
    """RGB uint8, as large as the original; the mask is True on the bump itself, not on the reddened skin around it."""

    picture: RgbImage
    mask: npt.NDArray[np.bool_]


def paint_stye(rgb: RgbImage, opening: EyeOpening, rng: np.random.Generator) -> PaintedStye:
    """A copy of the picture with one stye on one lid; the same generator state gives the same stye."""
    height, width = rgb.shape[:2]
    opening = replace(opening, height=_MARGIN_INSIDE * opening.height)
    bump, overhang = _place_bump(opening, height, width, rng)
    dome = bump.height_map(height, width)
    halo = bump.height_map(height, width, size=rng.uniform(1.5, 2.6))

    picture = _swell(rgb.astype(np.float32), bump, dome, halo, overhang, rng)
    lids = opening.outside(height, width, softness=max(1.5, 0.03 * opening.width), overhang=overhang)
    dome, halo = dome * lids, halo * lids

    if rng.random() < _RED_EYE_SHARE:
        picture = _redden_eye(picture, opening, rng)
    light = _light_direction(picture, opening, rng)
    picture = _redden(picture, dome, halo, rng)
    picture = _shade(picture, dome, bump, light, rng)
    if rng.random() < _HEAD_SHARE:
        picture = _add_head(picture, bump, lids, rng)
    return PaintedStye(to_rgb(picture), np.asarray(dome > _MASK_FROM))


def _place_bump(opening: EyeOpening, height: int, width: int, rng: np.random.Generator) -> tuple[Blob, float]:
    """The bump and by how many pixels it hangs over the eye; its middle is in the picture where that is possible."""
    for _ in range(_ATTEMPTS):
        bump = _draw_bump(opening, rng)
        if 0.05 < bump.x / width < 0.95 and 0.05 < bump.y / height < 0.95:
            break
    return bump, bump.half_thickness * rng.uniform(0.05, 0.8)


def _draw_bump(opening: EyeOpening, rng: np.random.Generator) -> Blob:
    upper = bool(rng.random() < 0.5)
    if rng.random() < _SWOLLEN_LID_SHARE:
        along = rng.uniform(-0.35, 0.35)
        half_length = opening.width * rng.uniform(0.32, 0.6)
        half_thickness = half_length * rng.uniform(0.4, 0.7)
    else:
        along = rng.uniform(-0.8, 0.8)
        half_length = opening.width * rng.uniform(0.18, 0.32)
        half_thickness = half_length * rng.uniform(0.6, 1.0)
    x, y, out_x, out_y = opening.margin(along, upper)
    beyond_margin = half_thickness * rng.uniform(0.2, 0.65)
    return Blob(
        x=x + beyond_margin * out_x,
        y=y + beyond_margin * out_y,
        out_x=out_x,
        out_y=out_y,
        half_length=half_length,
        half_thickness=half_thickness,
        unevenness=rng.uniform(0, 0.3),
        phase=rng.uniform(0, 2 * np.pi),
    )


def _swell(
    picture: FloatMap, bump: Blob, dome: FloatMap, halo: FloatMap, overhang: float, rng: np.random.Generator
) -> FloatMap:
    """Stretches the skin over the bump and pushes the lid's margin over the eye."""
    ys, xs = np.mgrid[0 : dome.shape[0], 0 : dome.shape[1]].astype(np.float32)
    stretch = rng.uniform(0.1, 0.4) * dome
    push = overhang * halo
    shift_x = -stretch * (xs - bump.x) + push * bump.out_x
    shift_y = -stretch * (ys - bump.y) + push * bump.out_y
    stretched = displace(picture, shift_x.astype(np.float32), shift_y.astype(np.float32))
    # Taut skin has lost its fine wrinkles.
    smooth = cv2.GaussianBlur(stretched, (0, 0), max(1.0, 0.12 * bump.half_thickness))
    return blend(stretched, np.asarray(smooth, dtype=np.float32), dome * rng.uniform(0, 0.7))


def _redden(picture: FloatMap, dome: FloatMap, halo: FloatMap, rng: np.random.Generator) -> FloatMap:
    hue = rng.dirichlet(np.full(len(_HUES), 0.6)) @ _HUES
    strength = rng.uniform(0.95, 1.4)
    # Redness fills the bump up to its rim, where the dome is already low.
    amount = np.maximum(strength * dome**0.55, strength * rng.uniform(0.25, 0.7) * halo)
    return tint(picture, hue, amount.astype(np.float32))


def _redden_eye(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> FloatMap:
    height, width = picture.shape[:2]
    eye = 1 - opening.outside(height, width, softness=max(2.0, 0.06 * opening.width))
    return tint(picture, np.array([1.05, 0.8, 0.8]), np.asarray(eye * rng.uniform(0.3, 1.2), dtype=np.float32))


def _light_direction(picture: FloatMap, opening: EyeOpening, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Unit vector (x, y, towards the camera): from above, and from the side on which the skin is brighter."""
    grey = picture.mean(axis=2)
    column = int(np.clip(opening.x, 1, grey.shape[1] - 2))
    left, right = float(grey[:, :column].mean()), float(grey[:, column:].mean())
    sideways = 0.8 * (right - left) / (right + left + 1)
    light = np.array([sideways + rng.uniform(-0.25, 0.25), rng.uniform(-0.7, -0.2), 1.0])
    return np.asarray(light / np.linalg.norm(light), dtype=np.float64)


def _shade(
    picture: FloatMap, dome: FloatMap, bump: Blob, light: npt.NDArray[np.float64], rng: np.random.Generator
) -> FloatMap:
    """Lambert's cosine law and Blinn's highlight ("Models of light reflection", SIGGRAPH 1977) on the dome."""
    elevation = cv2.GaussianBlur(dome, (0, 0), max(0.8, 0.08 * bump.half_thickness))
    elevation = elevation * rng.uniform(0.3, 0.7) * bump.half_thickness
    slope_y, slope_x = np.gradient(elevation)
    normal_z = 1 / np.sqrt(1 + slope_x**2 + slope_y**2)
    cosine = np.clip((-slope_x * light[0] - slope_y * light[1] + light[2]) * normal_z, 0, None)
    shaded = picture * (1 + rng.uniform(0.4, 0.9) * (cosine / light[2] - 1))[..., None]

    half_way = light + np.array([0.0, 0.0, 1.0])
    half_way /= np.linalg.norm(half_way)
    towards = np.clip((-slope_x * half_way[0] - slope_y * half_way[1] + half_way[2]) * normal_z, 0, 1)
    wet = rng.uniform(0, 0.6) * towards ** rng.uniform(20, 120) * (dome > 0)
    wet = wet * np.sqrt(dome) * np.clip(rng.normal(1, 0.35, dome.shape), 0, 2)
    wet = cv2.GaussianBlur(wet.astype(np.float32), (0, 0), max(0.7, 0.03 * bump.half_length))
    brightest = np.percentile(picture, 97)
    return blend(np.asarray(shaded, dtype=np.float32), np.full(3, brightest), np.clip(wet, 0, 0.8))


def _add_head(picture: FloatMap, bump: Blob, lids: FloatMap, rng: np.random.Generator) -> FloatMap:
    """A yellow-white point, mostly near the margin."""
    towards_eye = rng.uniform(-0.1, 0.7) * bump.half_thickness
    sideways = rng.uniform(-0.35, 0.35) * bump.half_length
    head = Blob(
        x=bump.x - towards_eye * bump.out_x - sideways * bump.out_y,
        y=bump.y - towards_eye * bump.out_y + sideways * bump.out_x,
        out_x=bump.out_x,
        out_y=bump.out_y,
        half_length=bump.half_thickness * rng.uniform(0.15, 0.4),
        half_thickness=bump.half_thickness * rng.uniform(0.15, 0.3),
        unevenness=0.2,
        phase=rng.uniform(0, 2 * np.pi),
    )
    amount = np.sqrt(head.height_map(*lids.shape)) * lids
    skin = np.median(picture[lids > 0.9], axis=0) if (lids > 0.9).any() else picture.mean(axis=(0, 1))
    pus = np.clip(skin * _PUS_OVER_SKIN, 0, 255)
    return blend(picture, pus, np.asarray(rng.uniform(0.5, 0.95) * amount, dtype=np.float32))
