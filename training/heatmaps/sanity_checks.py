"""What a heatmap that means something does: it differs between classes, moves with its picture, and is lost with what
the model has learnt. One that stays as it was shows edges of the picture, not reasons of the model.

Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import cv2
import h5py
import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from src.core.types import Heatmap, RgbImage
from src.services.classifier import EyeClassifier

_NESTED_MODELS = {"Functional", "Model", "Sequential"}
_Number = TypeVar("_Number", bound=np.generic)

DIRECTIONS = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""(right, down) of shifts by one place."""


def rank_correlation(one: Heatmap | None, other: Heatmap | None) -> float:
    """Spearman's rank correlation of two heatmaps of one shape: 1 the same order of places, 0 none, -1 the reverse.

    A flat map has no order, so it has none in common with any other.
    """
    if one is None or other is None or min(np.ptp(one), np.ptp(other)) == 0:
        return 0.0
    return float(spearmanr(one, other, axis=None).statistic)


def correlations_between_classes(heatmaps: Sequence[Heatmap | None]) -> list[float]:
    """Of every two maps of one crop that are not flat."""
    shown = [heatmap for heatmap in heatmaps if heatmap is not None]
    return [rank_correlation(one, other) for one, other in itertools.combinations(shown, 2)]


@dataclass(frozen=True, slots=True)
class FollowScore:
    """Mean rank correlation of the heatmaps of moved crops with those of the crops before: these moved alike (1 where
    they follow the picture), and left as they were (where a map that ignores the picture would score best).
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
) -> FollowScore:
    """How heatmaps follow an exchange of left and right; `heatmaps` are those of the class for `crops` as they are."""
    pairs = []
    predictions = classifier.classify([mirrored(crop) for crop in crops])
    for before, prediction in zip(heatmaps, predictions, strict=True):
        after = prediction.heatmaps[class_index]
        followed = None if before is None else mirrored(before)
        pairs.append(FollowScore(rank_correlation(followed, after), rank_correlation(before, after)))
    return _mean(pairs)


def shift_agreement(
    classifier: EyeClassifier, crops: Sequence[RgbImage], heatmaps: Sequence[Heatmap | None], class_index: int
) -> FollowScore:
    """How heatmaps follow a shift by one of their places, each crop in the next one of `DIRECTIONS`.

    Only places that show the same before and after are compared. `heatmaps` are those of the class for `crops` as they
    are.
    """
    directions = [DIRECTIONS[index % len(DIRECTIONS)] for index in range(len(crops))]
    moved_crops = []
    for crop, heatmap, (right, down) in zip(crops, heatmaps, directions, strict=True):
        rows, columns = (7, 7) if heatmap is None else heatmap.shape
        moved_crops.append(shifted(crop, right * (crop.shape[1] // columns), down * (crop.shape[0] // rows)))
    pairs = []
    for before, prediction, (right, down) in zip(heatmaps, classifier.classify(moved_crops), directions, strict=True):
        after = _remaining(prediction.heatmaps[class_index], -right, -down)
        followed, stayed = _remaining(before, right, down), _remaining(before, -right, -down)
        pairs.append(FollowScore(rank_correlation(followed, after), rank_correlation(stayed, after)))
    return _mean(pairs)


def _remaining(heatmap: Heatmap | None, right: int, down: int) -> Heatmap | None:
    """The places that a shift by that many places does not push out of the picture."""
    if heatmap is None:
        return None
    rows, columns = heatmap.shape
    return heatmap[max(0, -down) : rows - max(0, down), max(0, -right) : columns - max(0, right)]


def _mean(pairs: Sequence[FollowScore]) -> FollowScore:
    return FollowScore(
        moved=float(np.mean([pair.moved for pair in pairs])), unmoved=float(np.mean([pair.unmoved for pair in pairs]))
    )


class ShuffledPart(str, Enum):
    """From the output downwards, as the paper goes."""

    LAST_LAYER = "last_layer"
    HEAD = "head"
    EVERYTHING = "everything"


def save_shuffled(model_file: Path, part: ShuffledPart, seed: int, target: Path) -> None:
    """Writes a copy of a Keras .h5 with the weights of that part shuffled, each tensor within itself.

    Shuffling, unlike drawing new weights, keeps the size of what flows through the network; only the order, which is
    what was learned, is gone. The head is everything outside of the backbone.
    """
    shutil.copyfile(model_file, target)
    rng = np.random.default_rng(seed)
    with h5py.File(target, "r+") as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
        if part is ShuffledPart.LAST_LAYER:
            layers = layers[-1:]
        elif part is ShuffledPart.HEAD:
            layers = [layer for layer in layers if layer["class_name"] not in _NESTED_MODELS]
        for layer in layers:
            for dataset in _datasets(file["model_weights"][layer["config"]["name"]]):
                dataset[...] = rng.permuted(dataset[...], axis=None)


def _datasets(group: Any) -> list[Any]:
    found: list[Any] = []
    group.visititems(lambda _name, entry: found.append(entry) if isinstance(entry, h5py.Dataset) else None)
    return found
