"""What is said of how far answers can be relied on is what happened."""

from __future__ import annotations

import json

import numpy as np
import pytest

from src.services.model_file import _least_confidence, _reliability
from training.evaluation.examination import Case
from training.validation.reliability import LEAST_ANSWERS, judged_by_other_folds, least_confidence_of, reliability_of

CLASSES = ("Healthy", "Ill", "Rare")


def said(truth: int, label: int, score: float, *reasons: str) -> Case:
    probabilities = np.full(3, (1 - score) / 2, np.float32)
    probabilities[label] = score
    return Case("x.jpg", truth, probabilities, reasons=reasons)


def some(count: int, truth: int, label: int, scores: tuple[float, float]) -> list[Case]:
    return [said(truth, label, score) for score in np.linspace(scores[0], scores[1], count)]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Of 200 healthy eyes 40 are called ill, most of them with little confidence; of 160 ill ones 120, most surely."""
    healthy = some(160, 0, 0, (0.5, 0.99)) + some(38, 0, 1, (0.5, 0.7)) + some(2, 0, 1, (0.9, 0.95))
    ill = some(40, 1, 0, (0.5, 0.7)) + some(20, 1, 1, (0.5, 0.7)) + some(100, 1, 1, (0.8, 0.99))
    return healthy + ill + some(5, 2, 2, (0.6, 0.9))


def test_the_service_reads_it_and_says_what_happened(cases: list[Case]) -> None:
    section = json.loads(json.dumps(reliability_of(cases, CLASSES)))
    read = _reliability({"reliability": section}, CLASSES)
    assert read is not None
    assert read.prevalence == pytest.approx((200 / 365, 160 / 365, 5 / 365), abs=1e-4)
    for least, most in ((0.5, 0.7), (0.8, 1.0)):
        of_ill = [case for case in cases if case.said == 1 and least <= case.probabilities[1] <= most]
        right = np.mean([case.truth == 1 for case in of_ill])
        assert read.expected_precision(1, (least + most) / 2) == pytest.approx(right, abs=0.12)
    known = [read.expected_precision(1, score) for score in np.linspace(0.34, 1, 60)]
    assert None not in known
    assert known == sorted(known)  # type: ignore[type-var]


def test_of_a_class_that_was_said_too_rarely_nothing_is_said(cases: list[Case]) -> None:
    section = reliability_of(cases, CLASSES)
    assert section["ranges"]["Rare"] == []
    for name in ("Healthy", "Ill"):
        assert all(found["answers"] >= LEAST_ANSWERS for found in section["ranges"][name])
    assert sum(found["answers"] for found in section["ranges"]["Ill"]) == sum(case.said == 1 for case in cases)
    # What did not happen is not impossible.
    assert min(rate for found in section["ranges"]["Ill"] for rate in found["rates"].values()) > 0


def test_ranges_of_which_the_higher_is_no_better_are_one() -> None:
    level = [said(index % 2, 1, score) for index, score in enumerate(np.linspace(0.5, 0.9, 400))]
    (found,) = reliability_of(level, CLASSES)["ranges"]["Ill"]
    assert (found["answers"], found["right"]) == (400, 200)
    same = [said(1, 1, 1.0)] * 200 + [said(0, 1, 1.0)] * 10
    assert len(reliability_of(same, CLASSES)["ranges"]["Ill"]) == 1


def test_few_healthy_eyes_are_called_ill_above_the_least_confidence(cases: list[Case]) -> None:
    least = least_confidence_of(cases, CLASSES)
    assert _least_confidence({"least_confidence": least}, CLASSES) == tuple(least.values())
    healthy = [case for case in cases if case.truth == 0]
    alarms = [case for case in healthy if case.said == 1 and case.probabilities[1] >= least["Ill"]]
    assert len(alarms) <= 0.015 * len(healthy)
    one_lower = [case for case in healthy if case.said == 1 and case.probabilities[1] >= least["Ill"] - 0.02]
    assert len(one_lower) > 0.015 * len(healthy)
    assert least["Healthy"] == least["Rare"] == 0.5


def test_each_fold_is_judged_by_the_others() -> None:
    """In one fold alone healthy eyes are called ill with 0.8; the others ask for no more than 0.5."""
    odd = [said(0, 1, 0.8, "low_confidence", "blurry")] + [said(0, 1, 0.8) for _ in range(20)]
    usual = [said(0, 0, 0.9) for _ in range(200)] + [said(1, 1, 0.7) for _ in range(50)]
    judged = judged_by_other_folds(odd + usual, [0] * len(odd) + [1] * len(usual), CLASSES)
    assert [case.reasons for case in judged[: len(odd)]] == [("blurry",)] + [()] * 20
    assert {case.reasons for case in judged[len(odd) :] if case.said == 1} == {("low_confidence",)}
    assert {case.reasons for case in judged[len(odd) :] if case.said == 0} == {()}


def test_eyes_that_are_doubted_for_another_reason_raise_no_alarm(cases: list[Case]) -> None:
    blurred = [
        said(case.truth, case.said, float(case.probabilities.max()), "blurry") for case in cases if not case.truth
    ]
    unsure = [said(0, 1, 0.8, "low_confidence") for _ in range(20)]
    assert least_confidence_of(cases + [case for case in blurred if case.said == 1], CLASSES) == least_confidence_of(
        cases, CLASSES
    )
    assert least_confidence_of(cases + unsure, CLASSES)["Ill"] > 0.8
