"""What every surface of the service says in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from src.core.types import Probabilities

NOTICE: Final = "Screening aid for research, not a medical device. It does not replace an examination."


def percentage(share: float) -> float:
    """0-1 as 0-100, with two decimals."""
    return round(share * 100, 2)


def percentages(probabilities: Probabilities, classes: Sequence[str]) -> dict[str, float]:
    """Class -> its probability in percent, in the order of the classes."""
    return {name: percentage(float(value)) for name, value in zip(classes, probabilities, strict=True)}
