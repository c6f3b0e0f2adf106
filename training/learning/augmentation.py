"""What is drawn anew for each view of a sample: how near and how askew it is, and what light falls on it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage

Floats32 = npt.NDArray[np.float32]

_NEARER_SHARE, _NEARER = 0.25, (1.0, 2.4)
"""Of the samples, and so many times as near: the iris of some fills the picture."""
_LEAST_EVIDENCE = 0.7
"""Part of the evidence that stays in the picture: a redness or a bump that was cut away would teach a wrong label."""
_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)


def augmented(
    picture: RgbImage, evidence: npt.NDArray[np.uint8], rng: np.random.Generator, *, may_come_nearer: bool
) -> tuple[Floats32, Floats32]:
    """A picture and its evidence, uint8 side x side, moved together and lit anew: float32 HxWx3, 0-1, and side x side,
    0-1.

    Of a disease that may be anywhere, nothing is cut away: then it must not `come_nearer`.
    """
    moved, seen = _moved(picture, evidence, may_come_nearer and rng.random() < _NEARER_SHARE, rng)
    return _lit(moved.astype(np.float32) / 255, rng), seen


def _moved(
    picture: RgbImage, evidence: npt.NDArray[np.uint8], nearer: bool, rng: np.random.Generator
) -> tuple[RgbImage, Floats32]:
    shown = evidence.astype(np.float32) / 255
    nearness = np.exp(rng.normal(0.03, 0.08))
    if nearer:
        nearness *= rng.uniform(*_NEARER)
    angle = np.deg2rad(rng.normal(0, 5))
    mirror = rng.choice([-1.0, 1.0])
    slip = rng.normal(0, 0.03, 2)
    border, colour = int(rng.choice(_BORDERS)), picture.mean(axis=(0, 1))
    for zoom in (nearness, min(nearness, 1.0)):
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
        linear = linear @ np.diag([mirror, 1.0])
        kept = _warped(shown, linear, slip, cv2.BORDER_CONSTANT, np.zeros(3))
        total = float(shown.sum())
        # Nearer means that each place of the evidence covers more of the picture.
        if total == 0 or float(kept.sum()) / zoom**2 >= _LEAST_EVIDENCE * total:
            break
    return _warped(picture, linear, slip, border, colour), kept


def _warped(
    image: Any, linear: npt.NDArray[np.float64], slip: npt.NDArray[np.float64], border: int, colour: Any
) -> Any:
    side = image.shape[0]
    middle = np.full(2, (side - 1) / 2)
    offset = middle + slip * side - linear @ middle
    return cv2.warpAffine(
        image,
        np.hstack([linear, offset[:, None]]),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=colour.tolist(),
    )


def _lit(picture: Floats32, rng: np.random.Generator) -> Floats32:
    """Gain of each channel, gamma, saturation and contrast; now and then no colour at all."""
    lit: Any = picture ** np.float32(np.exp(rng.normal(0, 0.2)))
    lit = lit * np.exp(rng.normal(0, 0.08, 3) + rng.normal(0, 0.1)).astype(np.float32)
    mean = lit.mean(dtype=np.float32)
    lit = mean + (lit - mean) * np.float32(np.exp(rng.normal(0, 0.15)))
    grey = lit.mean(axis=2, keepdims=True)
    saturation = 0.0 if rng.random() < 0.03 else np.exp(rng.normal(0, 0.2))
    lit = grey + (lit - grey) * np.float32(saturation)
    return np.asarray(np.clip(lit, 0, 1), dtype=np.float32)
