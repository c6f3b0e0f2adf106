"""How well the probability of one class puts its pictures before all others, whatever the threshold."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_curve

from training.evaluation.confusion import divide

Floats = npt.NDArray[np.float64]

DEMANDED_SPECIFICITY: Final = 0.95
_ROUNDING = 1e-9
"""19 of 20 must count as 95 %, whatever floats make of it."""


def ranked_figures(positive: npt.NDArray[np.bool_], scores: Floats, weights: Floats) -> dict[str, Floats]:
    """auroc, average_precision and sensitivity_at_specificity_95, one value per row of `weights`.

    Pictures with the same score share one threshold. Without pictures of the class, or without others, all are NaN.

    Args:
        positive: whether each picture is of the class.
        scores: the probability of the class.
        weights: resamples x pictures, how often each picture counts.
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
