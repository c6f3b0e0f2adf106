"""How far each answer can be relied on, from what was said of pictures that the models never saw: the sections
`reliability` and `least_confidence` of a card, which the service answers by.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from src.core.types import Reason
from training.evaluation.examination import Case

LEAST_ANSWERS = 40
"""In one range of scores; of a class that was said less often nothing is known."""
_MOST_RANGES = 5
_MOST_FALSE_ALARMS = 0.03
"""Of the healthy eyes that are answered."""
_LEAST_CONFIDENCE = 0.5
_STEP = 0.01

Integers = npt.NDArray[np.int64]


def reliability_of(cases: Sequence[Case], classes: Sequence[str]) -> dict[str, Any]:
    """For each class that was said, ranges of its score, and how often it was said in each of them of the eyes of each
    class; and the share of each class among the cases. Ready for JSON.

    The higher the score, the more often it is right: ranges of which that is not true are too small to tell, and count
    as one.
    """
    truth = np.array([case.truth for case in cases])
    said = np.array([case.said for case in cases])
    scores = np.array([_rounded(case.probabilities.max()) for case in cases])
    of_class = np.bincount(truth, minlength=len(classes))
    ranges = {
        name: [
            {
                "least": 0.0 if index == 0 else float(scores[rows].min()),
                # Half an eye is added, so that nothing is impossible because it did not happen.
                "rates": {
                    other: _rounded((np.count_nonzero(truth[rows] == number) + 0.5) / (of_class[number] + 1))
                    for number, other in enumerate(classes)
                },
                "answers": len(rows),
                "right": int(np.count_nonzero(truth[rows] == label)),
            }
            for index, rows in enumerate(_ranges(np.flatnonzero(said == label), scores, truth == label))
        ]
        for label, name in enumerate(classes)
    }
    prevalence = {name: _rounded(of_class[label] / len(cases)) for label, name in enumerate(classes)}
    return {"prevalence": prevalence, "least_answers": LEAST_ANSWERS, "ranges": ranges}


def _ranges(rows: Integers, scores: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> list[Integers]:
    """The rows by rising score, in parts of which each was right more often than the one before."""
    rows = rows[np.argsort(scores[rows], kind="stable")]
    count = min(_MOST_RANGES, len(rows) // LEAST_ANSWERS)
    parts: list[Integers] = []
    for part in np.array_split(rows, count) if count else ():
        parts.append(part)
        while len(parts) > 1 and (
            right[parts[-2]].mean() >= right[parts[-1]].mean() or scores[parts[-1][0]] == scores[parts[-2][0]]
        ):
            last = parts.pop()
            parts[-1] = np.concatenate([parts[-1], last])
    return parts


def least_confidence_of(cases: Sequence[Case], classes: Sequence[str], healthy: str = "Healthy") -> dict[str, float]:
    """For each class the lowest score, 0.5 or more, from which it is to be relied on.

    A disease's is that from which it is said of at most its part of `_MOST_FALSE_ALARMS` of the healthy eyes of which
    nothing but the score raises a doubt.
    """
    label_of_healthy = classes.index(healthy)
    own = [
        case for case in cases if case.truth == label_of_healthy and set(case.reasons) <= {Reason.LOW_CONFIDENCE.value}
    ]
    allowed = _MOST_FALSE_ALARMS / (len(classes) - 1) * len(own)
    least = {}
    for label, name in enumerate(classes):
        alarms = [float(case.probabilities.max()) for case in own if case.said == label and name != healthy]
        steps = np.arange(_LEAST_CONFIDENCE, 1.0, _STEP)
        enough = [step for step in steps if sum(score >= step for score in alarms) <= allowed]
        least[name] = _rounded(enough[0] if enough else steps[-1])
    return least


def judged_by_other_folds(cases: Sequence[Case], folds: Sequence[int], classes: Sequence[str]) -> list[Case]:
    """The cases with `low_confidence` where the least confidence that the other folds' cases give says so; `folds` has
    one per case.
    """
    least_of_fold = {
        fold: least_confidence_of([case for case, of in zip(cases, folds, strict=True) if of != fold], classes)
        for fold in set(folds)
    }
    return [
        replace(case, reasons=_judged(case, least_of_fold[fold][classes[case.said]]))
        for case, fold in zip(cases, folds, strict=True)
    ]


def _judged(case: Case, least: float) -> tuple[str, ...]:
    others = tuple(reason for reason in case.reasons if reason != Reason.LOW_CONFIDENCE.value)
    return (Reason.LOW_CONFIDENCE.value, *others) if case.probabilities.max() < least else others


def _rounded(value: Any) -> float:
    return round(float(value), 4)
