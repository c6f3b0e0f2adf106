"""The figures for the card: what a cross-validation comes to, by origin and by threshold, and of strangers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from src.config.settings import Settings
from src.core.types import Reason
from src.services.judgement import Thresholds
from training.data.pictures import SUFFIXES, LabelledPicture
from training.evaluation.bootstrap import share
from training.evaluation.examination import Case, examine_with, without_eye
from training.evaluation.measures import measure_cases, summarise
from training.evaluation.probabilities import calibration_error
from training.learning.network import CLASSES
from training.learning.samples import SampleKind
from training.learning.trainer import Trainer
from training.validation.cross_validation import CrossValidation, TestedPictures

_LARGE_FIGURES = ("roc", "risk_coverage", "bins")
"""They belong in the report; on the card they would hide the others."""
_CONFIDENCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


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
    """The section `cross_validation` of the card, from what `measure_cases` returned of the tested pictures; the
    validation tells of the copies of the same pictures.
    """
    natural = [SampleKind.PHOTOGRAPHED, SampleKind.HARMLESS_PAINT]
    copy_truth, copy_probabilities = validation.calibrated_copies(natural)
    painted_truth, painted_probabilities = validation.calibrated_copies([SampleKind.PAINTED_STYE])
    raw_truth, raw_probabilities = validation.uncalibrated()
    return {
        "pictures": _without(measured, _LARGE_FIGURES),
        "without_doubtful_labels": figures_without_doubtful_labels(tested),
        "by_origin": measure_by_origin(tested.cases, tested.origins, without_eye(tested.left_out), CLASSES),
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


def measure_by_origin(
    cases: Sequence[Case], origins: Sequence[str], no_eye: Sequence[LabelledPicture], classes: Sequence[str]
) -> dict[str, Any]:
    """Class -> origin -> counts, ready for JSON: `n` eyes, of these `right`, `answered` (not inconclusive),
    `right_of_answered`, and `taken_for`: what the others were said to be; and `no_eye`: pictures in which none was
    found. `origins` has one per case.
    """
    kinds = {(case.truth, origin) for case, origin in zip(cases, origins, strict=True)}
    kinds |= {(picture.label, picture.origin) for picture in no_eye}
    result: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in classes}
    for label, origin in sorted(kinds):
        counted = {"n": 0, "right": 0, "answered": 0, "right_of_answered": 0, "no_eye": 0, "taken_for": {}}
        result[classes[label]][origin] = counted
    for picture in no_eye:
        result[classes[picture.label]][picture.origin]["no_eye"] += 1
    for case, origin in zip(cases, origins, strict=True):
        counts = result[classes[case.truth]][origin]
        right, answered = case.said == case.truth, not case.reasons
        counts["n"] += 1
        counts["right"] += right
        counts["answered"] += answered
        counts["right_of_answered"] += right and answered
        if not right:
            said = classes[case.said]
            counts["taken_for"][said] = counts["taken_for"].get(said, 0) + 1
    return result


def describe_operating_points(
    cases: Sequence[Case], no_eye: Sequence[LabelledPicture], classes: Sequence[str], thresholds: Thresholds
) -> dict[str, Any]:
    """The thresholds; how many eyes of each class each reason holds back; and what other least confidences would do.

    Ready for JSON. The last does not count the other reasons; pictures in which no eye was found count as not answered.
    """
    unseen = [picture.label for picture in no_eye]
    return {
        "thresholds": asdict(thresholds) | {"min_confidence": list(thresholds.min_confidence)},
        "held_back": {
            reason.value: {
                name: sum(reason.value in case.reasons for case in cases if case.truth == label)
                for label, name in enumerate(classes)
            }
            for reason in Reason
        },
        "min_confidence": [_at_confidence(cases, unseen, classes, least) for least in _CONFIDENCES],
    }


def _at_confidence(
    cases: Sequence[Case], unseen: Sequence[int], classes: Sequence[str], least: float
) -> dict[str, Any]:
    answered = [case for case in cases if case.probabilities.max() >= least]
    right = [case.said == case.truth for case in answered]
    of_healthy = [said for said, case in zip(right, answered, strict=True) if classes[case.truth] == "Healthy"]
    return {
        "min_confidence": least,
        "coverage": round(len(answered) / (len(cases) + len(unseen)), 4),
        "accuracy": share(right),
        "accuracy_on_healthy": share(of_healthy),
        "coverage_per_class": {
            name: share(
                [bool(case.probabilities.max() >= least) for case in cases if case.truth == label]
                + [False] * unseen.count(label)
            )
            for label, name in enumerate(classes)
        },
    }


def find_strangers(folder: Path) -> list[LabelledPicture]:
    """The pictures in a folder and its subfolders, whose labels mean nothing.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"no pictures in {folder}")
    return [LabelledPicture(file, 0, "stranger", str(file), 0) for file in files]


def measure_strangers(settings: Settings, pictures: Sequence[LabelledPicture], eyes: Sequence[Case]) -> dict[str, Any]:
    """What the service says of pictures of anything but the classes, ready for JSON.

    Of the `n` pictures that it can read: the share in which no eye is found, and the share that is held back, which is
    these and those of which nothing is said without doubt. The other figures are of the `eyes` that it finds in them.

    Its model must not have been trained on them; each of the eyes, for comparison, was judged by a model that did not
    know it.
    """
    examination, _ = examine_with(settings, pictures)
    strangers, no_eye = examination.cases, without_eye(examination.left_out)
    readable = len(examination.examined) + len(no_eye)
    sure = {group for case, group in zip(strangers, examination.groups, strict=True) if not case.reasons}
    return {
        "n": readable,
        "unreadable": len(pictures) - readable,
        "no_eye": share([True] * len(no_eye) + [False] * len(examination.examined)),
        "held_back": share([True] * (readable - len(sure)) + [False] * len(sure)),
        "eyes": len(strangers),
        "inconclusive": share([bool(case.reasons) for case in strangers]),
        "not_an_eye": share([Reason.NOT_AN_EYE.value in case.reasons for case in strangers]),
        "unfamiliar": share([Reason.UNFAMILIAR.value in case.reasons for case in strangers]),
        "reasons": dict(Counter(reason for case in strangers for reason in case.reasons).most_common()),
        "auroc_of_unfamiliarity": _auroc(strangers, eyes),
    }


def _auroc(strangers: Sequence[Case], eyes: Sequence[Case]) -> float | None:
    """How often a stranger is less familiar than an eye of a left-out fold."""
    known = [case.unfamiliarity for case in [*strangers, *eyes]]
    values = [value for value in known if value is not None]
    if len(values) < len(known) or not strangers or not eyes:
        return None
    is_stranger = np.arange(len(known)) < len(strangers)
    return round(float(roc_auc_score(is_stranger, values)), 4)
