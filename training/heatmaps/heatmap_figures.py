"""How good the heatmaps are, of models on eyes that they did not learn from, and of the shipped one."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.config.settings import Settings
from src.services.classifier import EyeClassifier
from training.data.pictures import LabelledPicture
from training.heatmaps.heatmap_quality import measure_heatmaps
from training.heatmaps.painted_cases import PaintedCase, painted_cases
from training.heatmaps.weight_shuffling import ShuffledPart, save_shuffled
from training.learning.network import CLASSES
from training.learning.trainer import TrainedModel
from training.validation.validation_figures import average

_DELETIONS_PER_CASE = 0.2
"""Of the cases, this share is deleted and inserted, which costs about 44 more crops each."""
_MOST_PICTURES = 60
"""Of those that are painted on; each is searched for its lids."""
_STYE = CLASSES.index("Stye")


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
            per_fold.append(measure_heatmaps(_load(settings, model.file), cases, {}, seed, _deletions(cases)))
    figures: dict[str, Any] | None = average(per_fold)
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
        return measure_heatmaps(_load(settings, model_file), cases, shuffled, seed, _deletions(cases))


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


def _deletions(cases: Sequence[PaintedCase]) -> int:
    return max(1, round(_DELETIONS_PER_CASE * len(cases)))


def _load(settings: Settings, file: Path) -> EyeClassifier:
    return EyeClassifier.from_settings(settings.model_copy(update={"model_path": file}))
