"""Whether the score depends on the places that a heatmap calls hot.

Deletion blurs the places of a picture away one after the other, insertion gives them back to a blurred picture. With
the hottest places first, the score of the class should fall at once and rise at once. Petsiuk et al., "RISE: randomized
input sampling for explanation of black-box models", BMVC 2018.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap, RgbImage
from src.services.classifier import EyeClassifier
from training.heatmaps.pointing_game import Mask
from training.painting.blob import blend, to_rgb

Order = npt.NDArray[np.intp]
"""Places of a map, counted row by row, in the order in which they are deleted or inserted."""

_STEPS = 7
_BLUR = 0.2
"""Deviation of the blur, as a part of the picture's side. At half of it, what is left of a stye still counts as one."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Mean score (0-1) of the class from the first place to the last, under the curve: in deletion less is better, in
    insertion more.
    """

    deletion: float
    insertion: float


@dataclass(frozen=True, slots=True)
class AreasPerOrder:
    """With the hottest places first, as a mean over random orders, and with the middle of the picture first."""

    heatmap: Areas
    random: Areas
    centre: Areas


def hottest_first(heatmap: Heatmap, rng: np.random.Generator) -> Order:
    """Equally cold places come in random order: in their own, the upper left would always be first."""
    return np.asarray(np.lexsort((rng.random(heatmap.size), -heatmap.ravel())), dtype=np.intp)


def centre_first(rows: int, columns: int) -> Order:
    ys, xs = np.mgrid[0:rows, 0:columns]
    away = (ys - (rows - 1) / 2) ** 2 + (xs - (columns - 1) / 2) ** 2
    return np.asarray(np.argsort(away.ravel(), kind="stable"), dtype=np.intp)


def partly_blurred(crop: RgbImage, places: Sequence[Mask]) -> list[RgbImage]:
    """The picture, once per mask: sharp where the mask (rows x columns of places) is True, blurred elsewhere."""
    height, width = crop.shape[:2]
    sharp = crop.astype(np.float32)
    blurred = cv2.GaussianBlur(sharp, (0, 0), _BLUR * height, borderType=cv2.BORDER_REPLICATE)
    pictures = []
    for shown in places:
        # Hard edges would be something new to see in a picture from which something is taken away.
        amount: Any = cv2.resize(shown.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        pictures.append(to_rgb(blend(np.asarray(blurred, dtype=np.float32), sharp, amount)))
    return pictures


def areas_per_order(
    classifier: EyeClassifier,
    crop: RgbImage,
    heatmap: Heatmap,
    class_index: int,
    rng: np.random.Generator,
    random_orders: int = 3,
) -> AreasPerOrder:
    """Deletion and insertion of one crop by its heatmap, and by orders that know nothing of it."""
    shape = heatmap.shape
    shuffled = [rng.permutation(heatmap.size) for _ in range(random_orders)]
    masks: list[Mask] = []
    for order in (hottest_first(heatmap, rng), centre_first(*shape)):
        inserting = list(_inserting(order, shape))
        masks += [*(~hidden for hidden in inserting), *inserting]
    for order in shuffled:
        masks += (~hidden for hidden in _inserting(order, shape))
    scores = _scores(classifier, crop, masks, class_index)
    # By the trapezoid rule, over a base of 1.
    areas = [float((curve[:-1] + curve[1:]).mean() / 2) for curve in scores.reshape(-1, _STEPS + 1)]
    # Deleting in one order shows the same pictures as inserting in the reverse one, so that for random orders one
    # curve serves for both.
    by_chance = float(np.mean(areas[4:]))
    return AreasPerOrder(
        heatmap=Areas(areas[0], areas[1]), centre=Areas(areas[2], areas[3]), random=Areas(by_chance, by_chance)
    )


def _inserting(order: Order, shape: tuple[int, ...]) -> Iterator[Mask]:
    for count in np.linspace(0, order.size, _STEPS + 1).round().astype(int):
        shown = np.zeros(order.size, dtype=np.bool_)
        shown[order[:count]] = True
        yield shown.reshape(shape)


def _scores(
    classifier: EyeClassifier, crop: RgbImage, masks: Sequence[Mask], class_index: int
) -> npt.NDArray[np.float64]:
    """Of the class, with each mask. Every curve begins or ends with the same two pictures: they are scored once."""
    unique = {mask.tobytes(): mask for mask in masks}
    predictions = classifier.classify(partly_blurred(crop, list(unique.values())))
    score_of = {
        key: float(prediction.probabilities[class_index]) for key, prediction in zip(unique, predictions, strict=True)
    }
    return np.array([score_of[mask.tobytes()] for mask in masks])
