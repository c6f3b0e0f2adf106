"""Crops that are mirrored or shifted, and what becomes of their heatmaps: evidence that moves must be found anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap, RgbImage
from src.services.classifier import EyeClassifier
from training.heatmaps.map_similarity import rank_correlation

_Number = TypeVar("_Number", bound=np.generic)

DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""(right, down) of shifts by one place."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Mean rank correlation of the heatmaps of moved crops with those of the crops before.

    Attributes:
        moved: with the heatmap moved like its crop; 1 where the heatmap follows the picture.
        unmoved: with the heatmap left as it was; what a map that ignores the picture would score best in.
    """

    moved: float
    unmoved: float


def mirrored(array: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """A crop or a heatmap, left and right exchanged."""
    return np.ascontiguousarray(array[:, ::-1])


def shifted(crop: RgbImage, right: int, down: int) -> RgbImage:
    """The crop moved by that many pixels; what is laid bare repeats the crop's edge."""
    height, width = crop.shape[:2]
    shift = np.array([[1, 0, right], [0, 1, down]], dtype=np.float64)
    moved = cv2.warpAffine(crop, shift, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def mirror_agreement(
    classifier: EyeClassifier, crops: Sequence[RgbImage], heatmaps: Sequence[Heatmap | None], class_index: int
) -> Agreement:
    """Of left and right exchanged; `heatmaps` are those of the class for `crops` as they are."""
    pairs = []
    predictions = classifier.classify([mirrored(crop) for crop in crops])
    for before, prediction in zip(heatmaps, predictions, strict=True):
        after = prediction.heatmaps[class_index]
        followed = None if before is None else mirrored(before)
        pairs.append(Agreement(rank_correlation(followed, after), rank_correlation(before, after)))
    return _mean(pairs)


def shift_agreement(
    classifier: EyeClassifier, crops: Sequence[RgbImage], heatmaps: Sequence[Heatmap | None], class_index: int
) -> Agreement:
    """Of shifts by one place of the heatmap, of each crop in the next one of `DIRECTIONS`.

    Only places that show the same before and after are compared. `heatmaps` are those of the class for `crops` as they
    are.
    """
    directions = [DIRECTIONS[index % len(DIRECTIONS)] for index in range(len(crops))]
    moved_crops = [
        crop if heatmap is None else _shifted_by_places(crop, heatmap, *direction)
        for crop, heatmap, direction in zip(crops, heatmaps, directions, strict=True)
    ]
    pairs = []
    for before, prediction, (right, down) in zip(heatmaps, classifier.classify(moved_crops), directions, strict=True):
        after = _remaining(prediction.heatmaps[class_index], -right, -down)
        followed, stayed = _remaining(before, right, down), _remaining(before, -right, -down)
        pairs.append(Agreement(rank_correlation(followed, after), rank_correlation(stayed, after)))
    return _mean(pairs)


def _shifted_by_places(crop: RgbImage, heatmap: Heatmap, right: int, down: int) -> RgbImage:
    rows, columns = heatmap.shape
    return shifted(crop, right * (crop.shape[1] // columns), down * (crop.shape[0] // rows))


def _remaining(heatmap: Heatmap | None, right: int, down: int) -> Heatmap | None:
    """The places that a shift by that many places does not push out of the picture."""
    if heatmap is None:
        return None
    rows, columns = heatmap.shape
    return heatmap[max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)]


def _mean(pairs: Sequence[Agreement]) -> Agreement:
    return Agreement(
        moved=float(np.mean([pair.moved for pair in pairs])), unmoved=float(np.mean([pair.unmoved for pair in pairs]))
    )
