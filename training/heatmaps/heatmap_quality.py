"""Whether a model's heatmaps mean something, measured on painted styes: the figures for its card."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.config.settings import Settings
from src.core.types import EyePrediction, Heatmap
from src.services.classifier import EyeClassifier
from training.data.pictures import LabelledPicture
from training.heatmaps.deletion_insertion import areas_per_order
from training.heatmaps.pointing_game import (
    STANDARD_TOLERANCE,
    Mask,
    PaintedCase,
    centre_hit_rate,
    chance_hit_rate,
    energy_inside,
    hit_rate,
    offset,
    painted_cases,
)
from training.heatmaps.sanity_checks import (
    FollowScore,
    ShuffledPart,
    correlations_between_classes,
    mirror_agreement,
    rank_correlation,
    save_shuffled,
    shift_agreement,
)
from training.learning.network import CLASSES
from training.learning.trainer import TrainedModel

_STYE = CLASSES.index("Stye")
_DIGITS = 4
_DELETIONS_PER_CASE = 0.2
"""Of the cases, this share is deleted and inserted, which costs about 44 more crops each."""
_MOST_PICTURES = 60
"""That are painted on; each is searched for its lids."""


def measure_heatmaps(
    classifier: EyeClassifier, cases: Sequence[PaintedCase], shuffled: Mapping[str, EyeClassifier], seed: int
) -> dict[str, Any]:
    """All measures, ready for JSON. Where a measure is of one class, it is of `Stye`.

    On pictures that the model was trained on the figures flatter it. `shuffled` is the same model with shuffled weights
    (see `save_shuffled`), by the name of what was shuffled.
    """
    deleted = max(1, round(_DELETIONS_PER_CASE * len(cases)))
    crops = [case.crop for case in cases]
    masks = [case.mask for case in cases]
    predictions = classifier.classify(crops)
    heatmaps = [prediction.heatmaps[_STYE] for prediction in predictions]
    recognised = [int(prediction.probabilities.argmax()) == _STYE for prediction in predictions]
    between_classes = [value for found in predictions for value in correlations_between_classes(found.heatmaps)]
    return {
        "n": len(cases),
        "recognised": _rounded(float(np.mean(recognised))),
        "flat": sum(heatmap is None for heatmap in heatmaps),
        "pointing": {
            "strict": _pointing(heatmaps, masks, recognised, 0.0),
            f"within_{STANDARD_TOLERANCE:.0f}_px": _pointing(heatmaps, masks, recognised, STANDARD_TOLERANCE),
        },
        **_place(heatmaps, masks),
        **_deletion_and_insertion(classifier, cases[:deleted], heatmaps[:deleted], seed),
        "class_difference": {"n": len(between_classes), "rank_correlation": _mean(between_classes)},
        "randomisation": {
            name: _after_shuffling(predictions, other.classify(crops)) for name, other in shuffled.items()
        },
        "mirror": _following(mirror_agreement(classifier, crops, heatmaps, _STYE)),
        "shift": _following(shift_agreement(classifier, crops, heatmaps, _STYE)),
    }


def _pointing(
    heatmaps: Sequence[Heatmap | None], masks: Sequence[Mask], recognised: Sequence[bool], tolerance: float
) -> dict[str, float | None]:
    """Recognised styes also apart: for the others the service shows the heatmap of another class."""
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
    return {
        curve: {
            "n": len(areas),
            **{
                order: _mean([getattr(getattr(area, order), curve) for area in areas])
                for order in ("heatmap", "random", "centre")
            },
        }
        for curve in ("deletion", "insertion")
    }


def _after_shuffling(before: Sequence[EyePrediction], after: Sequence[EyePrediction]) -> dict[str, Any]:
    """Over the maps of all classes, because it is a matter of luck which of them are flat after shuffling."""
    pairs = [
        (one, other)
        for knowing, forgetful in zip(before, after, strict=True)
        for one, other in zip(knowing.heatmaps, forgetful.heatmaps, strict=True)
        if one is not None and other is not None
    ]
    return {"n": len(pairs), "rank_correlation": _mean([rank_correlation(*pair) for pair in pairs])}


def _following(score: FollowScore) -> dict[str, float]:
    return {"moved": _rounded(score.moved), "unmoved": _rounded(score.unmoved)}


def _mean(values: Sequence[float]) -> float | None:
    """None where there is nothing to average: JSON has no NaN."""
    return _rounded(math.fsum(values) / len(values)) if values else None


def _rounded(value: float) -> float:
    return round(value, _DIGITS)


def heatmaps_of_left_out(
    models: Mapping[int, TrainedModel],
    pictures: Sequence[LabelledPicture],
    folds: npt.NDArray[np.int64],
    settings: Settings,
    seed: int,
    cases_per_fold: int = 40,
) -> dict[str, Any] | None:
    """On styes painted on pictures of each model's left-out fold: counts added up, figures averaged over the folds.

    Folds in which no lids were found do not count; None if there is no other.
    """
    per_fold = []
    for fold, model in models.items():
        own = [picture for picture, number in zip(pictures, folds, strict=True) if number == fold]
        cases = _painted(own, cases_per_fold, seed)
        if cases:
            per_fold.append(measure_heatmaps(_load(settings, model.file), cases, {}, seed))
    figures: dict[str, Any] | None = _average(per_fold)
    return figures


def heatmaps_of_model(
    model_file: Path, pictures: Sequence[LabelledPicture], settings: Settings, seed: int, case_count: int = 40
) -> dict[str, Any] | None:
    """Of one model, and what is left of its heatmaps when its weights are shuffled; None if no lids were found.

    It learnt from these pictures, with other styes painted on them.
    """
    cases = _painted(pictures, case_count, seed)
    if not cases:
        return None
    with tempfile.TemporaryDirectory() as folder:
        shuffled = {}
        for part in ShuffledPart:
            file = Path(folder) / f"{part.value}.h5"
            save_shuffled(model_file, part, seed, file)
            shuffled[part.value] = _load(settings, file)
        return measure_heatmaps(_load(settings, model_file), cases, shuffled, seed)


def _load(settings: Settings, file: Path) -> EyeClassifier:
    return EyeClassifier.from_settings(settings.model_copy(update={"model_path": file}))


def _average(figures: Sequence[Any]) -> Any:
    """The mean of numbers in trees of the same shape, leaf by leaf; counts are added up, None is passed over."""
    known = [figure for figure in figures if figure is not None]
    if not known:
        return None
    if isinstance(known[0], dict):
        return {key: _average([figure[key] for figure in known]) for key in known[0]}
    if isinstance(known[0], list):
        return [_average(list(column)) for column in zip(*known, strict=True)]
    if isinstance(known[0], int):
        return sum(known)
    return _rounded(float(np.mean(known)))


def _painted(pictures: Sequence[LabelledPicture], count: int, seed: int) -> list[PaintedCase]:
    """On some of the pictures without a stye: where there is one already, pointing at it would be no mistake."""
    others = [picture for picture in pictures if picture.label != _STYE]
    chosen = np.random.default_rng(seed).permutation(len(others))[:_MOST_PICTURES]
    painted_on = [others[index].read() for index in sorted(chosen)]
    try:
        return painted_cases(painted_on, count, seed)
    except ValueError:
        # The lids were found in none of them.
        return []
