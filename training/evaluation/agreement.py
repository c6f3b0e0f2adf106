"""How far two runs of the same pictures agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.case import Case

MOST_POINTS = 0.5
"""By how many percentage points a score may differ between precisions that count as the same."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """
    Attributes:
        eyes: that were compared.
        class_changes: eyes with another best class.
        largest_difference: of any score, in percentage points.
        beyond: eyes with a score that differs by more than `MOST_POINTS`.
        quantiles: largest difference of an eye's scores in percentage points, in half, 95 % and 99 % of the eyes.
    """

    eyes: int
    class_changes: int
    largest_difference: float
    beyond: int
    quantiles: tuple[float, float, float]

    @property
    def agrees(self) -> bool:
        return self.class_changes == 0 and self.beyond == 0


def compare(first: Sequence[Case], second: Sequence[Case]) -> Agreement:
    """Compares the answers to the same eyes.

    Raises:
        ValueError: there are none, or they are not of the same eyes in the same order.
    """
    if not first or [case.file for case in first] != [case.file for case in second]:
        raise ValueError("the two runs did not find the same eyes")
    differences = 100 * np.array(
        [np.abs(one.probabilities - other.probabilities).max() for one, other in zip(first, second, strict=True)]
    )
    half, most, nearly_all = np.quantile(differences, (0.5, 0.95, 0.99))
    return Agreement(
        eyes=len(first),
        class_changes=sum(one.said != other.said for one, other in zip(first, second, strict=True)),
        largest_difference=float(differences.max()),
        beyond=int((differences > MOST_POINTS).sum()),
        quantiles=(float(half), float(most), float(nearly_all)),
    )
