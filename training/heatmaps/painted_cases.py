"""Eyes with a painted stye of which the place is known, prepared as the service would see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage
from src.utils.preprocessing import to_network_input
from training.learning.network import INPUT_SIDE
from training.painting.eye_opening import TRUSTED_CONTRAST, find_eye_opening
from training.painting.stye_painter import paint_stye

Mask = npt.NDArray[np.bool_]

_MOST_TURNS = 10
"""Per case: on a few tiny pictures every bump may be too small to be seen on the crop."""


@dataclass(frozen=True, slots=True)
class PaintedCase:
    """
    Attributes:
        crop: RGB uint8 INPUT_SIDE x INPUT_SIDE x 3, with the stye.
        untouched: the same crop without it.
        mask: INPUT_SIDE x INPUT_SIDE, True on the bump; never empty.
    """

    crop: RgbImage
    untouched: RgbImage
    mask: Mask


def painted_cases(pictures: Sequence[RgbImage], count: int, seed: int) -> list[PaintedCase]:
    """Styes on the pictures in turn, each time another one, until there are `count` cases.

    Pictures in which the lids were not found are passed over, because a bump on a cheek is no stye.

    Raises:
        ValueError: the lids were found in none of them, or no bump can be seen.
    """
    openings = [(picture, find_eye_opening(picture)) for picture in pictures]
    usable = [pair for pair in openings if pair[1].contrast >= TRUSTED_CONTRAST]
    if not usable:
        raise ValueError("none of the pictures shows lids to paint a stye on")
    rng = np.random.default_rng(seed)
    cases: list[PaintedCase] = []
    turn = 0
    while len(cases) < count and turn < _MOST_TURNS * count:
        picture, opening = usable[turn % len(usable)]
        turn += 1
        stye = paint_stye(picture, opening, rng)
        mask = _squeezed(stye.mask)
        if mask.any():
            untouched = to_network_input(picture, INPUT_SIDE)
            cases.append(PaintedCase(to_network_input(stye.picture, INPUT_SIDE), untouched, mask))
    if not cases:
        raise ValueError("no painted stye could be seen on these pictures")
    return cases


def _squeezed(mask: Mask) -> Mask:
    covered = cv2.resize(mask.astype(np.float32), (INPUT_SIDE, INPUT_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(covered >= 0.5, dtype=np.bool_)
