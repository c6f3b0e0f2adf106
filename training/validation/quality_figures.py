"""How much worse a picture may get before the shipped model says something else of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.classifier import EyeClassifier
from src.utils.preprocessing import to_network_input
from training.data.pictures import LabelledPicture
from training.validation.quality_limits import measure_quality_limits

_LEAST_SIDE = 150
"""Pixels; what is small already cannot show what shrinking does."""


def quality_of_pictures(
    pictures: Sequence[LabelledPicture], settings: Settings, seed: int, count: int = 150
) -> dict[str, Any] | None:
    """The table of `measure_quality_limits` for about `count` large pictures, as many of each class, ready for JSON.

    None if there is no large picture.
    """
    classifier = EyeClassifier.from_settings(settings)
    crops = [to_network_input(rgb, classifier.input_side) for rgb in _large(pictures, count, seed)]
    return measure_quality_limits(classifier, crops, seed) if crops else None


def _large(pictures: Sequence[LabelledPicture], count: int, seed: int) -> list[RgbImage]:
    chosen: list[RgbImage] = []
    order = np.random.default_rng(seed).permutation(len(pictures))
    labels = sorted({picture.label for picture in pictures})
    per_class = max(1, count // len(labels))
    for label in labels:
        of_class = 0
        for index in order:
            if pictures[index].label != label or of_class == per_class:
                continue
            rgb = pictures[index].read()
            if min(rgb.shape[:2]) >= _LEAST_SIDE:
                chosen.append(rgb)
                of_class += 1
    return chosen
