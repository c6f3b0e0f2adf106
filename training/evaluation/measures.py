"""How well predicted classes, and their probabilities, fit the true ones: which class was taken for which, counted with
weights, and what follows from the counts; for all pictures, and for those that the service answers because it is sure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import sklearn.metrics

from training.data.pictures import LabelledPicture
from training.evaluation.bootstrap import METHOD, Bools, Floats, Integers, divide, draw_counts, estimate, estimate_share
from training.evaluation.examination import Case
from training.evaluation.probabilities import calibration_error, ranked_figures, risk_coverage, roc_points

_NO_DISEASE = "Healthy"
_OVERALL = ("accuracy", "macro_f1", "macro_recall")
_PER_CLASS = ("sensitivity", "specificity", "precision", "f1")
_SHARES: Final[dict[str, Callable[[Integers, int], tuple[int, int]]]] = {
    "sensitivity": lambda matrix, label: (int(matrix[label, label]), int(matrix[label].sum())),
    "specificity": lambda matrix, label: (
        int(matrix.sum() - matrix[label].sum() - matrix[:, label].sum() + matrix[label, label]),
        int(matrix.sum() - matrix[label].sum()),
    ),
    "precision": lambda matrix, label: (int(matrix[label, label]), int(matrix[:, label].sum())),
}
"""How many of how many pictures each is the share of; rows of the matrix are true classes."""
_RANKED = ("auroc", "average_precision", "sensitivity_at_specificity_95")


def weighted_confusions(
    truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64], class_count: int, weights: Floats
) -> Floats:
    """One matrix per row of `weights` (resamples x pictures); rows are true classes, columns predicted ones."""
    cell_of = np.zeros((len(truth), class_count * class_count))
    cell_of[np.arange(len(truth)), truth * class_count + said] = 1
    return np.reshape(weights @ cell_of, (-1, class_count, class_count))


def figures_of(confusions: Floats) -> dict[str, Floats]:
    """Per matrix: accuracy, macro_f1, macro_recall. Per matrix and class: sensitivity, specificity, precision, f1.

    What is not defined is NaN: all of a class without pictures, except its specificity, which is about the pictures of
    the other classes; the precision of a class that was never said. Macros are means over the classes with pictures.
    """
    right = np.diagonal(confusions, axis1=1, axis2=2)
    of_class, called = confusions.sum(axis=2), confusions.sum(axis=1)
    everything = of_class.sum(axis=1, keepdims=True)
    present = of_class > 0
    sensitivity = divide(right, of_class)
    f1 = np.where(present, divide(2 * right, of_class + called), np.nan)
    return {
        "accuracy": divide(right.sum(axis=1), everything[:, 0]),
        "macro_f1": _mean_where(present, f1),
        "macro_recall": _mean_where(present, sensitivity),
        "sensitivity": sensitivity,
        "specificity": divide(everything - of_class - called + right, everything - of_class),
        "precision": np.where(present, divide(right, called), np.nan),
        "f1": f1,
    }


def _mean_where(chosen: npt.NDArray[np.bool_], values: Floats) -> Floats:
    return divide(np.where(chosen, values, 0).sum(axis=1), chosen.sum(axis=1).astype(np.float64))


def confusion_matrix(truth: Integers, predicted: Integers, class_count: int) -> Integers:
    """Counts; rows are true classes, columns predicted ones."""
    counts = sklearn.metrics.confusion_matrix(truth, predicted, labels=range(class_count))
    return np.asarray(counts, dtype=np.int64)


def summarise(truth: Integers, predicted: Integers, classes: Sequence[str]) -> dict[str, Any]:
    """Recall and precision per class with counts, macro recall, accuracy and the confusion matrix, ready for JSON.

    Classes without a picture have a recall of None and do not count for the macro recall.

    Raises:
        ValueError: there is nothing to summarise.
    """
    if len(truth) == 0:
        raise ValueError("no predictions to summarise")
    matrix = confusion_matrix(truth, predicted, len(classes))
    figures = figures_of(matrix[np.newaxis].astype(np.float64))
    precision = divide(np.diagonal(matrix).astype(np.float64), matrix.sum(axis=0).astype(np.float64))
    return {
        "n": len(truth),
        "accuracy": _rounded(figures["accuracy"][0]),
        "macro_recall": _rounded(figures["macro_recall"][0]),
        "per_class": {
            name: {
                "n": int(matrix[index].sum()),
                "recall": _rounded(figures["sensitivity"][0, index]),
                "precision": _rounded(precision[index]),
            }
            for index, name in enumerate(classes)
        },
        "confusion_matrix": _described(matrix, classes),
    }


def measure(
    truth: Integers,
    probabilities: npt.NDArray[np.floating[Any]],
    classes: Sequence[str],
    inconclusive: Bools | None = None,
    resamples: int = 1000,
    seed: int = 0,
    groups: Sequence[str] | None = None,
    no_eye: Integers | None = None,
) -> dict[str, Any]:
    """Everything that can be said of predictions whose truth is known, ready for JSON, with 95 % intervals.

    Figures are `{"value", "interval": [low, high]}`. What is not defined is null: all of a class without pictures
    except its specificity, and the precision of a class that was never said. Such classes do not count for macros.

    Each row of `probabilities` (pictures x classes) sums to 1. To pictures that are `inconclusive` there is no answer;
    None if every picture is answered. Pictures with the same of `groups` are resampled together (copies, two eyes of
    one person); without `resamples` there are no intervals.

    `no_eye` are the true classes of further pictures, in which no eye was found: they count among those without an
    answer, in each `coverage` and in `no_eye`, and nowhere else. Their groups stand behind those of the predictions.

    Raises:
        ValueError: there is nothing to measure.
    """
    if len(truth) == 0:
        raise ValueError("no predictions to measure")
    scores = np.asarray(probabilities, dtype=np.float64)
    scores = scores / scores.sum(axis=1, keepdims=True)
    said = scores.argmax(axis=1)
    answered = None if inconclusive is None else ~np.asarray(inconclusive, dtype=bool)
    unseen = np.zeros(0, dtype=np.int64) if no_eye is None else no_eye
    parts: list[dict[str, Floats]] = []
    parts_of_answered: list[dict[str, Floats]] = []
    for drawn in draw_counts(np.concatenate([truth, unseen]), groups, resamples, seed):
        weights = drawn[:, : len(truth)]
        confusions = weighted_confusions(truth, said, len(classes), weights)
        parts.append(figures_of(confusions) | _ranked(truth, scores, weights))
        if answered is not None:
            parts_of_answered.append(_figures_of_answered(truth, said, classes, answered, unseen, drawn))
    values, resampled = _point_values(truth, scores, said), _joined(parts)
    matrix = confusion_matrix(truth, said, len(classes))
    measured: dict[str, Any] = {
        "n": len(truth),
        "intervals": {"method": METHOD, "resamples": resamples, "seed": seed},
        **_estimates(_OVERALL, values, resampled),
        "per_class": {
            name: {
                "n": int((truth == label).sum()),
                "no_eye": int((unseen == label).sum()),
                **_estimates((*_PER_CLASS, *_RANKED), values, resampled, label),
                **_shares_of_few(matrix, label, _estimates(tuple(_SHARES), values, resampled, label)),
                "roc": roc_points(truth == label, scores[:, label]),
            }
            for label, name in enumerate(classes)
        },
        "confusion_matrix": _described(matrix, classes),
        "calibration": calibration_error(truth, scores),
        "risk_coverage": risk_coverage(said == truth, scores.max(axis=1)),
    }
    if answered is not None:
        once = np.ones((1, len(truth) + len(unseen)))
        values = _figures_of_answered(truth, said, classes, answered, unseen, once)
        resampled = _joined(parts_of_answered)
        matrix = confusion_matrix(truth[answered], said[answered], len(classes))
        measured["answered"] = {
            "n": int(answered.sum()),
            **_estimates(("coverage", *_OVERALL, "false_alarms_on_healthy"), values, resampled),
            "per_class": {
                name: {
                    "n": int((truth[answered] == label).sum()),
                    "coverage": _estimates(("class_coverage",), values, resampled, label)["class_coverage"],
                    **_estimates(_PER_CLASS, values, resampled, label),
                    **_shares_of_few(matrix, label, _estimates(tuple(_SHARES), values, resampled, label)),
                }
                for label, name in enumerate(classes)
            },
        }
    return measured


def _figures_of_answered(
    truth: Integers, said: Integers, classes: Sequence[str], answered: Bools, unseen: Integers, weights: Floats
) -> dict[str, Floats]:
    """`figures_of` the pictures for which an answer was given, and how many these are of all, `unseen` ones too."""
    confusions = weighted_confusions(truth, said, len(classes), weights[:, : len(truth)] * answered)
    of_class = weights @ np.eye(len(classes))[np.concatenate([truth, unseen])]
    figures = figures_of(confusions)
    figures["class_coverage"] = divide(confusions.sum(axis=2), of_class)
    figures["coverage"] = divide(confusions.sum(axis=(1, 2)), of_class.sum(axis=1))
    figures["false_alarms_on_healthy"] = (
        1 - figures["sensitivity"][:, list(classes).index(_NO_DISEASE)]
        if _NO_DISEASE in classes
        else np.full(len(weights), np.nan)
    )
    return figures


def _estimates(
    names: Sequence[str], values: dict[str, Floats], resampled: dict[str, Floats], label: int | None = None
) -> dict[str, Any]:
    """The figures of these names, of one class where there is a `label`, ready for JSON."""
    column = () if label is None else (label,)
    return {
        name: estimate(values[name][(0, *column)], resampled[name][(slice(None), *column)] if resampled else [])
        for name in names
    }


def _shares_of_few(matrix: Integers, label: int, estimates: dict[str, Any]) -> dict[str, Any]:
    """The shares of one class with intervals that are right for few pictures, too."""
    return {name: estimate_share(*_SHARES[name](matrix, label), estimates[name]) for name in _SHARES}


def measure_cases(
    cases: Sequence[Case],
    classes: Sequence[str],
    groups: Sequence[str],
    no_eye: Sequence[LabelledPicture] = (),
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """`measure` of what the service said; `groups` has one per case, and in the pictures `no_eye` it found none."""
    return measure(
        np.array([case.truth for case in cases], dtype=np.int64),
        np.stack([case.probabilities for case in cases]),
        classes,
        inconclusive=np.array([bool(case.reasons) for case in cases]),
        resamples=resamples,
        seed=seed,
        groups=[*groups, *(picture.group for picture in no_eye)],
        no_eye=np.array([picture.label for picture in no_eye], dtype=np.int64),
    )


def _point_values(truth: Integers, scores: Floats, said: Integers) -> dict[str, Floats]:
    """The figures on the pictures as they are, shaped like those of one resample.

    From scikit-learn where it has them; its measures take one set of weights at a time, which is too slow for the
    resamples. A test holds the two against each other.
    """
    labels = range(scores.shape[1])
    values = figures_of(confusion_matrix(truth, said, len(labels))[np.newaxis].astype(np.float64))
    values |= _ranked(truth, scores, np.ones((1, len(truth))))
    precision, sensitivity, f1, of_class = sklearn.metrics.precision_recall_fscore_support(
        truth, said, labels=labels, zero_division=np.nan
    )
    present = of_class > 0
    values["accuracy"] = np.array([sklearn.metrics.accuracy_score(truth, said)])
    values["sensitivity"] = sensitivity[np.newaxis]
    values["precision"] = np.where(present, precision, np.nan)[np.newaxis]
    values["f1"] = np.where(present, f1, np.nan)[np.newaxis]
    for label in np.flatnonzero(present & (of_class < len(truth))):
        of_class_or_not, score = truth == label, scores[:, label]
        values["auroc"][0, label] = sklearn.metrics.roc_auc_score(of_class_or_not, score)
        values["average_precision"][0, label] = sklearn.metrics.average_precision_score(of_class_or_not, score)
    return values


def _ranked(truth: Integers, scores: Floats, weights: Floats) -> dict[str, Floats]:
    per_class = [ranked_figures(truth == label, scores[:, label], weights) for label in range(scores.shape[1])]
    return {name: np.stack([figures[name] for figures in per_class], axis=1) for name in _RANKED}


def _joined(parts: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in (parts[0] if parts else ())}


def _described(matrix: Integers, classes: Sequence[str]) -> dict[str, Any]:
    return {"rows_true_columns_predicted": list(classes), "counts": matrix.tolist()}


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
