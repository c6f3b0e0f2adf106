"""What is gained if only the most confident answers are given (El-Yaniv and Wiener, JMLR 11, 2010)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

NAMED_COVERAGES: Final = (0.85, 0.9, 1.0)
_CURVE_POINTS = 100
_ROUNDING = 1e-9
"""0.85 of 20 must be 17, whatever floats make of it."""


def risk_coverage(right: npt.NDArray[np.bool_], confidence: npt.NDArray[np.float64]) -> dict[str, Any]:
    """The share of wrong answers among the most confident ones: as a curve, as the area under it (the mean over all
    numbers of answers), and as the accuracy at a few coverages. Ready for JSON.

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
    return {
        "curve": [
            {
                "coverage": round(float(answered[index] / len(right)), 4),
                "risk": round(float(risks[index]), 4),
                "least_confidence": round(float(least_confidence[index]), 4),
            }
            for index in indices
        ],
        "area": round(float(risks.mean()), 4),
        "accuracy_at_coverage": {f"{at:g}": round(float(1 - risks[index_at(at)]), 4) for at in NAMED_COVERAGES},
    }
