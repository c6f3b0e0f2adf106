"""How far a figure would move on other pictures of the same kind: the percentile bootstrap (Efron, 1979), and for
shares of few pictures the score interval (Wilson, 1927).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

METHOD: Final = (
    "95 % intervals by percentile bootstrap: pictures are drawn again with replacement, per class, so that small "
    "classes keep their size; pictures of one group are drawn together. Sensitivity, specificity and precision of "
    "fewer than 50 pictures, and those of exactly 0 or 1, have Wilson's score interval instead, because what did not "
    "happen cannot be drawn; any other figure of exactly 0 or 1 gets an interval without width."
)
_FEW = 50
_PERCENTILES = (2.5, 97.5)
_LARGEST_CHUNK = 2_000_000
"""Counts held at once, so that large folders do not fill the memory."""

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def draw_counts(
    truth: npt.NDArray[np.int64], groups: Sequence[str] | None, resamples: int, seed: int
) -> Iterator[Floats]:
    """How often each picture was drawn: resamples x pictures, in several parts.

    Groups are drawn with replacement among the groups that show the same classes, so every class that has pictures
    has pictures in every resample. Without groups, each picture stands for itself.
    """
    group_of = np.unique(np.asarray(groups), return_inverse=True)[1] if groups is not None else np.arange(len(truth))
    strata = _strata(truth, group_of)
    rng = np.random.default_rng(seed)
    step = max(1, _LARGEST_CHUNK // len(truth))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = np.zeros((rows, int(group_of.max()) + 1))
        for members in strata:
            drawn[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=rows)
        yield drawn[:, group_of]


def estimate(value: float, resampled: npt.ArrayLike) -> dict[str, Any]:
    """The value and its interval, ready for JSON; null where it is not defined (NaN).

    `resampled` has the same figure on each resample; those on which it is not defined do not count.
    """
    if np.isnan(value):
        return {"value": None, "interval": None}
    figures = np.asarray(resampled, dtype=np.float64)
    figures = figures[~np.isnan(figures)]
    interval = [round(float(bound), 4) for bound in np.percentile(figures, _PERCENTILES)] if len(figures) else None
    return {"value": round(float(value), 4), "interval": interval}


def estimate_share(part: int, whole: int, estimated: dict[str, Any]) -> dict[str, Any]:
    """What `estimate` says of a share, with Wilson's interval where there are few pictures, or no mistake to draw."""
    if estimated["interval"] is None or (whole >= _FEW and 0 < part < whole):
        return estimated
    found = binomtest(part, whole).proportion_ci(method="wilson")
    return {**estimated, "interval": [round(float(found.low), 4), round(float(found.high), 4)]}


def divide(part: Floats, whole: Floats) -> Floats:
    """The quotient, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def share(flags: Sequence[bool] | npt.NDArray[np.bool_]) -> float | None:
    """The part (0-1, four decimals) of the flags that are True, ready for JSON; None where there are none."""
    return round(float(np.mean(flags)), 4) if len(flags) else None


def shown(measured: Mapping[str, Any] | float | None) -> str:
    """A number or an estimate, such as `0.812 (0.765 to 0.851)`; a dash for what is not defined."""
    value, interval = (measured["value"], measured["interval"]) if isinstance(measured, Mapping) else (measured, None)
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else "")


def _strata(truth: npt.NDArray[np.int64], group_of: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Groups that show the same classes, together."""
    classes_of: dict[int, set[int]] = {}
    for group, label in zip(group_of.tolist(), truth.tolist(), strict=True):
        classes_of.setdefault(group, set()).add(label)
    strata: dict[frozenset[int], list[int]] = {}
    for group, labels in sorted(classes_of.items()):
        strata.setdefault(frozenset(labels), []).append(group)
    return [np.array(members) for members in strata.values()]
