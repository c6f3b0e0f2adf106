"""What is fitted to the answers of a finished network: the temperature that makes its scores as sure as they are right
(Guo et al., "On calibration of modern neural networks", ICML 2017), and the statistics of the training pictures'
descriptors, by which the service knows strangers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, svd
from scipy.optimize import minimize_scalar

from src.core.types import Floats
from src.services.familiarity import FamiliarityStatistics

_LEAST_PROBABILITY = 1e-12
_LOG_TEMPERATURES = (-2.3, 2.3)
_DIRECTIONS = 128
_TYPICAL_QUANTILE = 0.975
_LEAST_SCALE = 1e-6


def at_temperature(probabilities: Floats, temperature: float) -> npt.NDArray[np.float64]:
    """What the probabilities (n, classes) would be if the logits behind them were divided by `temperature`."""
    logits = np.log(np.clip(probabilities, _LEAST_PROBABILITY, None, dtype=np.float64)) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float64)


def fit_temperature(
    probabilities: Floats, truth: npt.NDArray[np.int64], weights: npt.NDArray[np.float64] | None = None
) -> float:
    """The temperature, 0.1 to 10, at which the true classes of pictures that the model was not trained on are the least
    surprising; `weights` say how much each of them counts, all alike if None.
    """
    rows = np.arange(len(truth))

    def surprise(log_temperature: float) -> float:
        scaled = at_temperature(probabilities, float(np.exp(log_temperature)))
        of_truth = np.clip(scaled[rows, truth], _LEAST_PROBABILITY, None)
        return float(np.average(-np.log(of_truth), weights=weights))

    best = minimize_scalar(surprise, bounds=_LOG_TEMPERATURES, method="bounded")
    return round(float(np.exp(best.x)), 4)


def fit_familiarity(descriptors: Floats, typical: float = 1.0) -> FamiliarityStatistics:
    """The principal directions of training descriptors (n, measures)."""
    mean = descriptors.mean(axis=0, dtype=np.float64)
    scale = np.maximum(descriptors.std(axis=0, dtype=np.float64), _LEAST_SCALE)
    scaled = (descriptors - mean) / scale
    measures = len(mean)
    # Fewer pictures than directions leave some without a meaning.
    directions = min(_DIRECTIONS, len(descriptors) - 1, measures)
    if len(descriptors) < measures:
        components = svd(scaled, full_matrices=False)[2][:directions].T
    else:
        # The same directions, sooner where there are many pictures; in the order of rising variance.
        wanted = (measures - directions, measures - 1)
        components = eigh(scaled.T @ scaled, subset_by_index=wanted)[1]
    return FamiliarityStatistics(mean, scale, components, typical)


def typical_unfamiliarity(unfamiliarity: Floats) -> float:
    """What counts as 1: as strange as one in forty healthy eyes of left-out folds, by statistics with `typical` 1."""
    return max(float(np.quantile(unfamiliarity, _TYPICAL_QUANTILE)), _LEAST_SCALE)
