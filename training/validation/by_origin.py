"""How the service does on each source of pictures: what an average over all of them hides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.evaluation.case import Case


def measure_by_origin(cases: Sequence[Case], origins: Sequence[str], classes: Sequence[str]) -> dict[str, Any]:
    """Class -> origin -> counts, ready for JSON.

    Returns:
        for each: `n`, `right`, `answered` (not inconclusive), `right_of_answered`, and `taken_for`: what the others
        were said to be.
    """
    result: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in classes}
    for case, origin in sorted(zip(cases, origins, strict=True), key=lambda pair: pair[1]):
        counts = result[classes[case.truth]].setdefault(
            origin, {"n": 0, "right": 0, "answered": 0, "right_of_answered": 0, "taken_for": {}}
        )
        right, answered = case.said == case.truth, not case.reasons
        counts["n"] += 1
        counts["right"] += right
        counts["answered"] += answered
        counts["right_of_answered"] += right and answered
        if not right:
            said = classes[case.said]
            counts["taken_for"][said] = counts["taken_for"].get(said, 0) + 1
    return result
