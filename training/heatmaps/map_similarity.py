"""How alike two heatmaps are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap


def rank_correlation(one: Heatmap | None, other: Heatmap | None) -> float:
    """Spearman's rank correlation of two heatmaps of one shape: 1 the same order of places, 0 none, -1 the reverse.

    A flat map has no order, so that it has none in common with any other.
    """
    if one is None or other is None:
        return 0.0
    left, right = (_ranks(heatmap) for heatmap in (one, other))
    left, right = left - left.mean(), right - right.mean()
    spread = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return float((left * right).sum() / spread) if spread > 0 else 0.0


def correlations_between_classes(heatmaps: Sequence[Heatmap | None]) -> list[float]:
    """Of every two maps of one crop that are not flat."""
    shown = [heatmap for heatmap in heatmaps if heatmap is not None]
    return [rank_correlation(one, other) for one, other in itertools.combinations(shown, 2)]


def _ranks(heatmap: Heatmap) -> npt.NDArray[np.float64]:
    """Equal values share the mean of their ranks: Grad-CAM cuts everything below 0 off to the same 0."""
    _, which, counts = np.unique(heatmap, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[which.ravel()], dtype=np.float64)
