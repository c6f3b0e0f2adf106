"""What probabilities are worth: how well they rank pictures, what holding back the unsure ones gains, and whether 90 %
means right in nine cases of ten.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss, roc_curve

from training.evaluation.bootstrap import Floats, divide

DEMANDED_SPECIFICITY: Final = 0.95
NAMED_COVERAGES: Final = (0.85, 0.9, 1.0)
BINS: Final = 15
_CURVE_POINTS = 100
_ROUNDING = 1e-9
"""19 of 20 must count as 95 %, and 0.85 of 20 must be 17, whatever floats make of it."""


def ranked_figures(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> dict[str, Floats]:
    """auroc, average_precision and sensitivity_at_specificity_95, one value per row of `weights` (resamples x pictures,
    how often each counts), of one class against all others.

    Pictures with the same score share one threshold. Without pictures of the class, or without others, all are NaN.
    """
    order = np.argsort(-scores, kind="stable")
    first_of_score = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    hits = np.add.reduceat(weights[:, order] * positive[order], first_of_score, axis=1)
    alarms = np.add.reduceat(weights[:, order] * ~positive[order], first_of_score, axis=1)
    found, false = hits.cumsum(axis=1), alarms.cumsum(axis=1)
    positives, negatives = found[:, -1], false[:, -1]
    both = (positives > 0) & (negatives > 0)
    # Pairs in the right order; those with the same score count half (Mann and Whitney).
    pairs = (hits * (negatives[:, np.newaxis] - false + alarms / 2)).sum(axis=1)
    precision_steps = np.nan_to_num(divide(found, found + false)) * hits
    allowed = false <= (1 - DEMANDED_SPECIFICITY + _ROUNDING) * negatives[:, np.newaxis]
    figures = {
        "auroc": divide(pairs, positives * negatives),
        "average_precision": divide(precision_steps.sum(axis=1), positives),
        "sensitivity_at_specificity_95": divide(np.where(allowed, found, 0).max(axis=1), positives),
    }
    return {name: np.where(both, values, np.nan) for name, values in figures.items()}


def roc_points(positive: npt.NDArray[np.bool_], scores: Floats) -> dict[str, Any] | None:
    """The corners of the ROC curve, ready for JSON; None if only one of the two kinds is there."""
    if positive.all() or not positive.any():
        return None
    false_positive_rate, sensitivity, _ = roc_curve(positive, scores)
    return {
        "false_positive_rate": np.round(false_positive_rate, 4).tolist(),
        "sensitivity": np.round(sensitivity, 4).tolist(),
    }


def risk_coverage(right: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The share of wrong answers among the most confident ones: as a curve, as the area under it (the mean over all
    numbers of answers), and as the accuracy at a few coverages (El-Yaniv and Wiener, JMLR 11, 2010). Ready for JSON.

    Equally confident pictures could be answered in any order: each counts with the mean of them all.
    """
    _, place = np.unique(-confidence, return_inverse=True)
    mean_error = np.bincount(place, weights=~right) / np.bincount(place)
    answered = np.arange(1, len(right) + 1)
    risks = mean_error[np.sort(place)].cumsum() / answered
    least_confidence = np.sort(confidence)[::-1]

    def index_at(coverage: float) -> int:
        return max(1, int(np.ceil(coverage * len(right) - _ROUNDING))) - 1

    indices = sorted({index_at(step / _CURVE_POINTS) for step in range(1, _CURVE_POINTS + 1)})
    columns = {"coverage": answered / len(right), "risk": risks, "least_confidence": least_confidence}
    return {
        "curve": [{name: round(float(column[index]), 4) for name, column in columns.items()} for index in indices],
        "area": round(float(risks.mean()), 4),
        "accuracy_at_coverage": {f"{at:g}": round(float(1 - risks[index_at(at)]), 4) for at in NAMED_COVERAGES},
    }


def calibration_error(truth: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The expected calibration error of the best class over bins of equal width (Guo et al., "On Calibration of Modern
    Neural Networks", ICML 2017), its bins, and the Brier score summed over the classes (0 is best, 2 is worst).
    Ready for JSON.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    edges = np.linspace(0, 1, BINS + 1)
    bin_of = np.digitize(confidence, edges[1:-1], right=True)
    bins: list[dict[str, Any]] = []
    error = 0.0
    for index in range(BINS):
        inside = bin_of == index
        edge, next_edge = (round(float(edges[at]), 4) for at in (index, index + 1))
        bins.append({"from": edge, "to": next_edge, "confidence": None, "accuracy": None, "n": int(inside.sum())})
        if inside.any():
            mean_confidence, accuracy = float(confidence[inside].mean()), float(right[inside].mean())
            error += bins[-1]["n"] / len(truth) * abs(accuracy - mean_confidence)
            bins[-1] |= {"confidence": round(mean_confidence, 4), "accuracy": round(accuracy, 4)}
    labels = range(probabilities.shape[1])
    brier = brier_score_loss(truth, probabilities, labels=labels, scale_by_half=False)
    return {"ece_15_bins": round(error, 4), "brier": round(float(brier), 4), "bins": bins}
