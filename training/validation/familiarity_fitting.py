"""What the descriptors of the training pictures look like: the statistics by which the service knows strangers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh, svd

from src.services.familiarity import FamiliarityStatistics

Floats = npt.NDArray[np.floating[Any]]

_DIRECTIONS = 128
_TYPICAL_QUANTILE = 0.975
_LEAST_SCALE = 1e-6


def describe(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Descriptors (n, 2 x channels) of a layer's outputs (n, height, width, channels), as the service makes them."""
    values = values.astype(np.float32)
    return np.concatenate([values.mean(axis=(1, 2)), values.std(axis=(1, 2))], axis=1)


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
    """What counts as 1: as strange as one in forty of the healthy eyes that were left out.

    Args:
        unfamiliarity: of healthy eyes of left-out folds, by statistics with `typical` 1.
    """
    return max(float(np.quantile(unfamiliarity, _TYPICAL_QUANTILE)), _LEAST_SCALE)
