"""What the thresholds in use cost and bring, on pictures that the judging model did not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from src.core.types import Reason
from src.services.judgement import Thresholds
from training.evaluation.case import Case
from training.evaluation.share import share

_CONFIDENCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def describe_operating_points(cases: Sequence[Case], classes: Sequence[str], thresholds: Thresholds) -> dict[str, Any]:
    """The thresholds; how many eyes of each class each reason holds back; and what other least confidences would do.

    Ready for JSON. The last does not count the other reasons.
    """
    return {
        "thresholds": asdict(thresholds),
        "held_back": {
            reason.value: {
                name: sum(reason.value in case.reasons for case in cases if case.truth == label)
                for label, name in enumerate(classes)
            }
            for reason in Reason
        },
        "min_confidence": [_at_confidence(cases, classes, least) for least in _CONFIDENCES],
    }


def _at_confidence(cases: Sequence[Case], classes: Sequence[str], least: float) -> dict[str, Any]:
    answered = [case for case in cases if case.probabilities.max() >= least]
    healthy = [case for case in answered if classes[case.truth] == "Healthy"]
    return {
        "min_confidence": least,
        "coverage": round(len(answered) / len(cases), 4),
        "accuracy": _share_right(answered),
        "accuracy_on_healthy": _share_right(healthy),
        "coverage_per_class": {
            name: share([bool(case.probabilities.max() >= least) for case in cases if case.truth == label])
            for label, name in enumerate(classes)
        },
    }


def _share_right(cases: Sequence[Case]) -> float | None:
    return share([case.said == case.truth for case in cases])
