"""Whether 90 % means right in nine cases of ten."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import brier_score_loss

BINS: Final = 15


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
        count = int(inside.sum())
        mean_confidence = float(confidence[inside].mean()) if count else None
        accuracy = float(right[inside].mean()) if count else None
        if mean_confidence is not None and accuracy is not None:
            error += count / len(truth) * abs(accuracy - mean_confidence)
        bins.append(
            {
                "from": round(float(edges[index]), 4),
                "to": round(float(edges[index + 1]), 4),
                "confidence": None if mean_confidence is None else round(mean_confidence, 4),
                "accuracy": None if accuracy is None else round(accuracy, 4),
                "n": count,
            }
        )
    labels = range(probabilities.shape[1])
    brier = brier_score_loss(truth, probabilities, labels=labels, scale_by_half=False)
    return {"ece_15_bins": round(error, 4), "brier": round(float(brier), 4), "bins": bins}
