"""Pictures without an answer count for the coverage and for nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.metrics import measure

CLASSES = ["Cataract", "Healthy"]
TRUTH = np.array([0, 0, 1, 1, 1, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]])


def test_only_answered_pictures_are_judged() -> None:
    inconclusive = np.array([False, True, False, False, False, True])
    answered = measure(TRUTH, PROBABILITIES, CLASSES, inconclusive, resamples=20)["answered"]
    assert answered["n"] == 4
    assert answered["coverage"]["value"] == pytest.approx(4 / 6, abs=1e-4)
    assert answered["accuracy"]["value"] == 0.75
    assert answered["per_class"]["Cataract"]["n"] == 1
    assert answered["per_class"]["Cataract"]["coverage"]["value"] == 0.5
    assert answered["per_class"]["Cataract"]["sensitivity"]["value"] == 1.0
    assert answered["per_class"]["Cataract"]["precision"]["value"] == 0.5
    assert answered["false_alarms_on_healthy"]["value"] == pytest.approx(1 / 3, abs=1e-4)


def test_if_all_are_answered_the_figures_are_those_of_all() -> None:
    measured = measure(TRUTH, PROBABILITIES, CLASSES, np.zeros(6, dtype=bool), resamples=20)
    for key in ("accuracy", "macro_f1", "macro_recall"):
        assert measured["answered"][key] == measured[key]
    assert measured["answered"]["coverage"] == {"value": 1.0, "interval": [1.0, 1.0]}


def test_if_nothing_is_answered_there_is_only_the_coverage() -> None:
    answered = measure(TRUTH, PROBABILITIES, CLASSES, np.ones(6, dtype=bool), resamples=20)["answered"]
    assert answered["coverage"]["value"] == 0
    assert answered["accuracy"]["value"] is None
    assert answered["false_alarms_on_healthy"]["value"] is None
    assert answered["per_class"]["Healthy"]["sensitivity"]["value"] is None


def test_without_a_healthy_class_there_are_no_false_alarms_on_it() -> None:
    measured = measure(TRUTH, PROBABILITIES, ["a", "b"], np.zeros(6, dtype=bool), resamples=20)
    assert measured["answered"]["false_alarms_on_healthy"] == {"value": None, "interval": None}


def test_without_the_service_saying_when_it_is_unsure_there_is_no_such_part() -> None:
    assert "answered" not in measure(TRUTH, PROBABILITIES, CLASSES, resamples=20)
