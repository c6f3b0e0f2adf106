"""Medians over rounds, ratios, percentiles, growth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of all do not exceed (nearest rank): one that was really measured. There
    has to be a value.
    """
    return sorted(values)[max(0, math.ceil(share / 100 * len(values)) - 1)]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One figure as a multiple of another: of the medians over the rounds, and the extremes within each round."""

    value: float
    lowest: float
    highest: float


def ratio(over: Sequence[float | None], under: Sequence[float | None]) -> Ratio | None:
    """The ratio of two figures that were measured in the same rounds; rounds that lack one are left out.

    None where no round has both, or the lower one is 0 somewhere.
    """
    rounds = [(up, down) for up, down in zip(over, under, strict=True) if up is not None and down is not None]
    if not rounds or any(down == 0 for _up, down in rounds):
        return None
    ratios = [up / down for up, down in rounds]
    value = statistics.median(up for up, _ in rounds) / statistics.median(down for _, down in rounds)
    return Ratio(value, min(ratios), max(ratios))


def median(values: Sequence[float | None]) -> float | None:
    """Of the rounds that have a value; None where none has."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def growth_of(samples: Sequence[float]) -> float | None:
    """By what share a figure grew over time: the median of the last quarter next to that of the second quarter.

    The first quarter is left out, because memory pools fill up once. None of fewer than four samples.
    """
    quarter = len(samples) // 4
    if quarter == 0:
        return None
    return statistics.median(samples[-quarter:]) / statistics.median(samples[quarter : 2 * quarter]) - 1
