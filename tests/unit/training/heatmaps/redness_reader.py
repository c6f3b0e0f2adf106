"""A stand-in for the classifier that is known through and through: a stye is what is red, and heat is redness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap, RgbImage

STYE = 3
PLACES = 7


@dataclass
class Answer:
    """The two things that the measures look at."""

    probabilities: npt.NDArray[Any]
    heatmaps: tuple[Heatmap | None, ...]


def scaled(raw: npt.NDArray[Any]) -> Heatmap | None:
    return (raw / raw.max()).astype(np.float32) if np.ptp(raw) > 0 else None


class RednessReader:
    """Its heatmap of `Stye` is right; that of the class before is the reverse; the first two classes have none."""

    def __init__(self) -> None:
        self.crops_seen = 0

    def classify(self, crops: Sequence[RgbImage]) -> list[Answer]:
        self.crops_seen += len(crops)
        return [self._answer(crop) for crop in crops]

    def _answer(self, crop: RgbImage) -> Answer:
        # Per place: mean of red over green, 0-1. What blur leaves of a red bump is no stye any more.
        over = np.clip(crop[..., 0].astype(float) - crop[..., 1], 0, None) / 255
        raw = over.reshape(PLACES, crop.shape[0] // PLACES, PLACES, -1).mean(axis=(1, 3))
        stye = float(np.clip((raw.max() - 0.45) / 0.3, 0, 1))
        heat = self.heat(raw)
        reverse = None if heat is None else scaled(1 - heat)
        return Answer(np.array([0, 0, 1 - stye, stye], np.float32), (None, None, reverse, heat))

    heat = staticmethod(scaled)


class StubbornReader(RednessReader):
    """Scores as well, but always shows the same map."""

    heat = staticmethod(lambda raw: scaled(np.arange(raw.size, dtype=float).reshape(raw.shape) + 1))


class ContraryReader(RednessReader):
    """Scores as well, but calls the places hot in which nothing is."""

    heat = staticmethod(lambda raw: scaled(raw.max() - raw))


class BlindReader(RednessReader):
    """Scores as well, and shows nothing."""

    def _answer(self, crop: RgbImage) -> Answer:
        return Answer(super()._answer(crop).probabilities, (None,) * 4)
