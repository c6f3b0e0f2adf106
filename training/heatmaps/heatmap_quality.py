"""Whether a model's heatmaps mean something, measured on painted styes: the figures for its card."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from src.core.types import EyePrediction, Heatmap
from src.services.classifier import EyeClassifier
from training.heatmaps.deletion_insertion import AreasPerOrder, areas_per_order
from training.heatmaps.map_similarity import correlations_between_classes, rank_correlation
from training.heatmaps.moved_crops import Agreement, mirror_agreement, shift_agreement
from training.heatmaps.painted_cases import Mask, PaintedCase
from training.heatmaps.pointing_game import (
    STANDARD_TOLERANCE,
    centre_hit_rate,
    chance_hit_rate,
    energy_inside,
    hit_rate,
    offset,
)
from training.learning.network import CLASSES

_STYE = CLASSES.index("Stye")
_DIGITS = 4


def measure_heatmaps(
    classifier: EyeClassifier,
    cases: Sequence[PaintedCase],
    shuffled: Mapping[str, EyeClassifier],
    seed: int,
    deletion_cases: int = 40,
) -> dict[str, Any]:
    """All measures, ready for JSON. Where a measure is of one class, it is of `Stye`.

    Args:
        classifier: the model.
        cases: on pictures that the model was not trained on, or the figures flatter it.
        shuffled: the same model with shuffled weights (see `save_shuffled`), by the name of what was shuffled.
        seed: of the random orders of deletion.
        deletion_cases: how many of the cases are deleted and inserted; each costs about 44 more crops.
    """
    crops = [case.crop for case in cases]
    masks = [case.mask for case in cases]
    predictions = classifier.classify(crops)
    heatmaps = [prediction.heatmaps[_STYE] for prediction in predictions]
    recognised = [int(prediction.probabilities.argmax()) == _STYE for prediction in predictions]
    between_classes = [
        value for prediction in predictions for value in correlations_between_classes(prediction.heatmaps)
    ]
    return {
        "n": len(cases),
        "recognised": _rounded(float(np.mean(recognised))),
        "flat": sum(heatmap is None for heatmap in heatmaps),
        "pointing": {
            "strict": _pointing(heatmaps, masks, recognised, 0.0),
            f"within_{STANDARD_TOLERANCE:.0f}_px": _pointing(heatmaps, masks, recognised, STANDARD_TOLERANCE),
        },
        **_place(heatmaps, masks),
        **_deletion_and_insertion(classifier, cases[:deletion_cases], heatmaps[:deletion_cases], seed),
        "class_difference": {
            "n": len(between_classes),
            "rank_correlation": _mean(between_classes),
        },
        "randomisation": {
            name: _after_shuffling(predictions, other.classify(crops)) for name, other in shuffled.items()
        },
        "mirror": _agreement(mirror_agreement(classifier, crops, heatmaps, _STYE)),
        "shift": _agreement(shift_agreement(classifier, crops, heatmaps, _STYE)),
    }


def _pointing(
    heatmaps: Sequence[Heatmap | None], masks: Sequence[Mask], recognised: Sequence[bool], tolerance: float
) -> dict[str, float | None]:
    """Apart for the recognised styes: of the others the service shows another class's heatmap."""
    hits = [hit_rate([heatmap], [mask], tolerance) for heatmap, mask in zip(heatmaps, masks, strict=True)]
    return {
        "heatmap": _mean(hits),
        "heatmap_of_recognised": _mean([hit for hit, known in zip(hits, recognised, strict=True) if known]),
        "chance": _rounded(chance_hit_rate(masks, tolerance)),
        "centre": _rounded(centre_hit_rate(masks, tolerance)),
    }


def _place(heatmaps: Sequence[Heatmap | None], masks: Sequence[Mask]) -> dict[str, Any]:
    shown = [(heatmap, mask) for heatmap, mask in zip(heatmaps, masks, strict=True) if heatmap is not None]
    if not shown:
        return {"median_offset_px": None, "energy_inside": None}
    offsets = np.array([offset(heatmap, mask) for heatmap, mask in shown])
    return {
        "median_offset_px": [_rounded(float(value)) for value in np.median(offsets, axis=0)],
        "energy_inside": _mean([energy_inside(heatmap, mask) for heatmap, mask in shown]),
    }


def _deletion_and_insertion(
    classifier: EyeClassifier, cases: Sequence[PaintedCase], heatmaps: Sequence[Heatmap | None], seed: int
) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    areas = [
        areas_per_order(classifier, case.crop, heatmap, _STYE, rng)
        for case, heatmap in zip(cases, heatmaps, strict=True)
        if heatmap is not None
    ]
    return {curve: {"n": len(areas), **_per_order(areas, curve)} for curve in ("deletion", "insertion")}


def _per_order(areas: Sequence[AreasPerOrder], curve: str) -> dict[str, float | None]:
    return {
        order: _mean([getattr(getattr(area, order), curve) for area in areas])
        for order in ("heatmap", "random", "centre")
    }


def _after_shuffling(before: Sequence[EyePrediction], after: Sequence[EyePrediction]) -> dict[str, Any]:
    """Over the maps of all classes: which of them shuffling leaves flat is a matter of luck."""
    pairs = [
        (one, other)
        for knowing, forgetful in zip(before, after, strict=True)
        for one, other in zip(knowing.heatmaps, forgetful.heatmaps, strict=True)
        if one is not None and other is not None
    ]
    return {"n": len(pairs), "rank_correlation": _mean([rank_correlation(*pair) for pair in pairs])}


def _agreement(agreement: Agreement) -> dict[str, float]:
    return {"moved": _rounded(agreement.moved), "unmoved": _rounded(agreement.unmoved)}


def _mean(values: Sequence[float]) -> float | None:
    """None where there is nothing to average: JSON has no NaN."""
    return _rounded(math.fsum(values) / len(values)) if values else None


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
