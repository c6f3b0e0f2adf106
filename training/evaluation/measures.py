"""How well predicted classes, and their probabilities, fit the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn.metrics

from training.evaluation.bootstrap import METHOD, Bools, Floats, Integers, draw_counts, estimate
from training.evaluation.confusion import AnsweredPictures, divide, figures_of, weighted_confusions
from training.evaluation.examination import Case
from training.evaluation.probabilities import calibration_error, ranked_figures, risk_coverage, roc_points

_OVERALL = ("accuracy", "macro_f1", "macro_recall")
_PER_CLASS = ("sensitivity", "specificity", "precision", "f1")
_RANKED = ("auroc", "average_precision", "sensitivity_at_specificity_95")


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
) -> dict[str, Any]:
    """Everything that can be said of predictions whose truth is known, ready for JSON, with 95 % intervals.

    Figures are `{"value", "interval": [low, high]}`. What is not defined is null: all of a class without pictures
    except its specificity, and the precision of a class that was never said. Such classes do not count for macros.

    Args:
        truth: class index per picture.
        probabilities: pictures x classes; each row sums to 1.
        classes: their names, in the order of the columns.
        inconclusive: pictures for which no answer was given; None if every picture is answered.
        resamples: of the bootstrap; without any there are no intervals.
        seed: of the bootstrap.
        groups: pictures with the same group are resampled together (copies, two eyes of one person).

    Raises:
        ValueError: there is nothing to measure.
    """
    if len(truth) == 0:
        raise ValueError("no predictions to measure")
    scores = np.asarray(probabilities, dtype=np.float64)
    scores = scores / scores.sum(axis=1, keepdims=True)
    said = scores.argmax(axis=1)
    answered = None if inconclusive is None else AnsweredPictures(truth, said, classes, np.asarray(inconclusive, bool))
    parts: list[dict[str, Floats]] = []
    parts_of_answered: list[dict[str, Floats]] = []
    for weights in draw_counts(truth, groups, resamples, seed):
        confusions = weighted_confusions(truth, said, len(classes), weights)
        parts.append(figures_of(confusions) | _ranked(truth, scores, weights))
        if answered is not None:
            parts_of_answered.append(answered.figures(weights))
    values, resampled = _point_values(truth, scores, said), _joined(parts)
    measured: dict[str, Any] = {
        "n": len(truth),
        "intervals": {"method": METHOD, "resamples": resamples, "seed": seed},
        **{name: estimate(values[name][0], resampled.get(name, [])) for name in _OVERALL},
        "per_class": {
            name: {
                "n": int((truth == label).sum()),
                **{
                    figure: estimate(values[figure][0, label], resampled[figure][:, label] if resampled else [])
                    for figure in (*_PER_CLASS, *_RANKED)
                },
                "roc": roc_points(truth == label, scores[:, label]),
            }
            for label, name in enumerate(classes)
        },
        "confusion_matrix": _described(confusion_matrix(truth, said, len(classes)), classes),
        "calibration": calibration_error(truth, scores),
        "risk_coverage": risk_coverage(said == truth, scores.max(axis=1)),
    }
    if answered is not None:
        measured["answered"] = answered.measure(_joined(parts_of_answered))
    return measured


def measure_cases(
    cases: Sequence[Case], classes: Sequence[str], groups: Sequence[str], resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """`measure` of what the service said; `groups` has one per case."""
    return measure(
        np.array([case.truth for case in cases], dtype=np.int64),
        np.stack([case.probabilities for case in cases]),
        classes,
        inconclusive=np.array([bool(case.reasons) for case in cases]),
        resamples=resamples,
        seed=seed,
        groups=groups,
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
