"""What a cross-validation comes to: the figures for the card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.data.pictures import LabelledPicture
from training.evaluation.calibration_error import calibration_error
from training.evaluation.metrics import measure_cases, summarise
from training.evaluation.share import share
from training.learning.network import CLASSES
from training.learning.samples import SampleKind
from training.learning.trainer import Trainer
from training.validation.by_origin import measure_by_origin
from training.validation.cross_validation import CrossValidation, TestedPictures

_LARGE_FIGURES = ("roc", "risk_coverage", "bins")
"""They belong into the report; on the card they would hide the others."""


def figures_of_pictures(tested: TestedPictures, seed: int) -> dict[str, Any]:
    """Everything that `measure_cases` says of the tested pictures."""
    return measure_cases(tested.cases, CLASSES, tested.groups, seed=seed)


def figures_without_doubtful_labels(tested: TestedPictures) -> dict[str, Any] | None:
    """The point values on the cases whose labels are believed; None if there is no other."""
    if not any(tested.doubtful) or all(tested.doubtful):
        return None
    believed = [index for index, doubtful in enumerate(tested.doubtful) if not doubtful]
    cases = [tested.cases[index] for index in believed]
    groups = [tested.groups[index] for index in believed]
    measured = measure_cases(cases, CLASSES, groups, resamples=0)
    return {
        "n": len(cases),
        "macro_f1": measured["macro_f1"]["value"],
        "per_class": {
            name: {key: figures[key]["value"] for key in ("sensitivity", "precision", "sensitivity_at_specificity_95")}
            for name, figures in measured["per_class"].items()
        },
    }


def figures_for_card(measured: dict[str, Any], tested: TestedPictures, validation: CrossValidation) -> dict[str, Any]:
    """The section `cross_validation` of the card.

    Args:
        measured: what `figures_of_pictures` returned.
        tested: what it was measured on.
        validation: for the copies of the same pictures.
    """
    natural = [SampleKind.PHOTOGRAPHED, SampleKind.HARMLESS_PAINT]
    copy_truth, copy_probabilities = validation.calibrated_copies(natural)
    painted_truth, painted_probabilities = validation.calibrated_copies([SampleKind.PAINTED_STYE])
    raw_truth, raw_probabilities = validation.uncalibrated()
    return {
        "pictures": _without(measured, _LARGE_FIGURES),
        "without_doubtful_labels": figures_without_doubtful_labels(tested),
        "by_origin": measure_by_origin(tested.cases, tested.origins, CLASSES),
        "calibration_before_temperature_scaling": _without(
            calibration_error(raw_truth, raw_probabilities), _LARGE_FIGURES
        ),
        "degraded_copies_of_the_same_pictures": _of_copies(copy_truth, copy_probabilities),
        "painted_styes": {
            "note": "Painted, so no evidence of how well real styes are found.",
            "n": len(painted_truth),
            "recall": share(painted_probabilities.argmax(axis=1) == painted_truth),
        },
    }


def figures_of_unseen_origins(
    trainer: Trainer, pictures: Sequence[LabelledPicture], origins: Sequence[str]
) -> dict[str, Any]:
    """Recall per class on each origin by a model that saw none of it."""
    result: dict[str, Any] = {}
    for origin in origins:
        left_out = np.array([picture.origin == origin for picture in pictures])
        model = trainer.model_without(left_out)
        originals = trainer.is_original(model.tested)
        truth, said = trainer.labels(model.tested)[originals], model.said[originals].argmax(axis=1)
        remaining = np.bincount([picture.label for picture in pictures if picture.origin != origin], minlength=4)
        result[origin] = {
            name: {
                "n": int((truth == label).sum()),
                "recall": share(said[truth == label] == label),
                "pictures_left_to_learn_from": int(remaining[label]),
            }
            for label, name in enumerate(CLASSES)
            if (truth == label).any()
        }
    return result


def average(figures: Sequence[Any]) -> Any:
    """The mean of numbers in trees of the same shape, leaf by leaf; counts are added up, None is passed over."""
    known = [figure for figure in figures if figure is not None]
    if not known:
        return None
    if isinstance(known[0], dict):
        return {key: average([figure[key] for figure in known]) for key in known[0]}
    if isinstance(known[0], list):
        return [average(list(column)) for column in zip(*known, strict=True)]
    if isinstance(known[0], int):
        return sum(known)
    return round(float(np.mean(known)), 4)


def _of_copies(truth: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]) -> dict[str, Any] | None:
    """None where no copies were made."""
    if len(truth) == 0:
        return None
    return {
        "note": "Reframed, blurred, noisy, badly lit and harmlessly painted copies, several per picture, answered "
        "without the checks of quality.",
        **summarise(truth, probabilities.argmax(axis=1), CLASSES),
        "calibration": _without(calibration_error(truth, probabilities), _LARGE_FIGURES),
    }


def _without(tree: Any, names: Sequence[str]) -> Any:
    if isinstance(tree, dict):
        return {key: _without(value, names) for key, value in tree.items() if key not in names}
    return tree
