"""Temperature scaling: one number that makes the scores as sure as they are right.

Guo et al., "On calibration of modern neural networks", ICML 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Probabilities = npt.NDArray[np.floating[Any]]

_LEAST_PROBABILITY = 1e-12
_LOG_TEMPERATURES = (-2.3, 2.3)


def at_temperature(probabilities: Probabilities, temperature: float) -> npt.NDArray[np.float64]:
    """What the probabilities (n, classes) would be if the logits behind them were divided by `temperature`."""
    logits = np.log(np.clip(probabilities, _LEAST_PROBABILITY, None, dtype=np.float64)) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_temperature(
    probabilities: Probabilities, truth: npt.NDArray[np.int64], weights: npt.NDArray[np.float64] | None = None
) -> float:
    """The temperature, 0.1 to 10, at which the true classes are the least surprising.

    Args:
        probabilities: (n, classes), of pictures that the model was not trained on.
        truth: class indices (n).
        weights: how much each picture counts (n); alike if None.
    """
    rows = np.arange(len(truth))

    def surprise(log_temperature: float) -> float:
        scaled = at_temperature(probabilities, float(np.exp(log_temperature)))
        of_truth = np.clip(scaled[rows, truth], _LEAST_PROBABILITY, None)
        return float(np.average(-np.log(of_truth), weights=weights))

    best = minimize_scalar(surprise, bounds=_LOG_TEMPERATURES, method="bounded")
    return round(float(np.exp(best.x)), 4)
