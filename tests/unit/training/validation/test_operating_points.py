"""What thresholds cost and bring, counted on a few eyes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import Reason
from src.services.judgement import Thresholds
from training.evaluation.case import Case
from training.validation.operating_points import describe_operating_points

CLASSES = ["Healthy", "Stye", "Cataract"]


def case(truth: int, said: int, confidence: float, *reasons: Reason) -> Case:
    probabilities = np.full(3, (1 - confidence) / 2, np.float32)
    probabilities[said] = confidence
    return Case("x", truth, probabilities, reasons=tuple(reason.value for reason in reasons))


@pytest.fixture(scope="module")
def points(settings: Settings) -> dict[str, Any]:
    cases = [
        case(0, 0, 0.95),
        case(0, 0, 0.55, Reason.BLURRY, Reason.LOW_CONFIDENCE),
        case(0, 1, 0.75, Reason.BLURRY),
        case(1, 1, 0.85),
    ]
    return describe_operating_points(cases, CLASSES, Thresholds.from_settings(settings))


def at(points: dict[str, Any], confidence: float) -> dict[str, Any]:
    (row,) = [row for row in points["min_confidence"] if row["min_confidence"] == confidence]
    return row


def test_names_the_thresholds_in_use(points: dict[str, Any], settings: Settings) -> None:
    assert points["thresholds"]["min_confidence"] == settings.min_confidence
    assert points["thresholds"]["max_unfamiliarity"] == settings.max_unfamiliarity


def test_every_reason_says_whom_it_holds_back(points: dict[str, Any]) -> None:
    assert list(points["held_back"]) == [reason.value for reason in Reason]
    assert points["held_back"]["blurry"] == {"Healthy": 2, "Stye": 0, "Cataract": 0}
    assert points["held_back"]["low_confidence"] == {"Healthy": 1, "Stye": 0, "Cataract": 0}
    assert points["held_back"]["too_dark"] == {"Healthy": 0, "Stye": 0, "Cataract": 0}


def test_a_higher_confidence_answers_less(points: dict[str, Any]) -> None:
    assert [row["coverage"] for row in points["min_confidence"]] == [1, 1, 0.75, 0.75, 0.5, 0.25]
    assert at(points, 0.4)["accuracy"] == 0.75
    assert at(points, 0.6)["accuracy"] == pytest.approx(0.6667)
    assert at(points, 0.6)["accuracy_on_healthy"] == 0.5
    assert at(points, 0.8)["accuracy_on_healthy"] == 1
    assert at(points, 0.6)["coverage_per_class"] == {"Healthy": 0.6667, "Stye": 1, "Cataract": None}
    assert at(points, 0.9)["coverage_per_class"]["Stye"] == 0


def test_it_is_ready_for_json(points: dict[str, Any]) -> None:
    assert json.loads(json.dumps(points, allow_nan=False)) == points
