"""Counts with weights, and the figures that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from training.evaluation.confusion import figures_of, weighted_confusions
from training.evaluation.measures import measure

TRUTH = np.array([0, 0, 1, 1, 1])
SAID = np.array([0, 1, 1, 1, 0])


def test_each_row_of_weights_gives_its_own_matrix() -> None:
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 0, 3, 0]], dtype=np.float64)
    assert weighted_confusions(TRUTH, SAID, 2, weights).tolist() == [[[1, 1], [1, 2]], [[2, 0], [0, 3]]]


def test_the_figures_are_those_of_scikit_learn_whatever_the_weights() -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    weights = rng.integers(0, 3, (5, 60)).astype(np.float64)
    figures = figures_of(weighted_confusions(truth, said, 3, weights))
    for row, counts in enumerate(weights):
        precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(truth, said, sample_weight=counts)
        assert figures["precision"][row] == pytest.approx(precision)
        assert figures["sensitivity"][row] == pytest.approx(recall)
        assert figures["f1"][row] == pytest.approx(f1)
        assert figures["macro_f1"][row] == pytest.approx(f1.mean())
        for label in range(3):
            specificity = sklearn.metrics.recall_score(truth != label, said != label, sample_weight=counts)
            assert figures["specificity"][row, label] == pytest.approx(specificity)


def test_an_absent_class_is_not_defined_and_spares_the_macros() -> None:
    figures = figures_of(np.array([[[3.0, 1.0], [0.0, 0.0]]]))
    assert figures["macro_recall"].tolist() == [0.75]
    assert figures["specificity"][0, 1] == 0.75
    for name in ("sensitivity", "precision", "f1"):
        assert np.isnan(figures[name][0, 1])
    assert np.isnan(figures["specificity"][0, 0])


def test_nothing_counted_is_not_defined() -> None:
    assert all(np.isnan(values).all() for values in figures_of(np.zeros((1, 2, 2))).values())


CLASSES = ["Cataract", "Healthy"]
TRUE_CLASSES = np.array([0, 0, 1, 1, 1, 1])
PROBABILITIES = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]])


def test_only_answered_pictures_are_judged() -> None:
    inconclusive = np.array([False, True, False, False, False, True])
    answered = measure(TRUE_CLASSES, PROBABILITIES, CLASSES, inconclusive, resamples=20)["answered"]
    assert answered["n"] == 4
    assert answered["coverage"]["value"] == pytest.approx(4 / 6, abs=1e-4)
    assert answered["accuracy"]["value"] == 0.75
    assert answered["per_class"]["Cataract"]["n"] == 1
    assert answered["per_class"]["Cataract"]["coverage"]["value"] == 0.5
    assert answered["per_class"]["Cataract"]["sensitivity"]["value"] == 1.0
    assert answered["per_class"]["Cataract"]["precision"]["value"] == 0.5
    assert answered["false_alarms_on_healthy"]["value"] == pytest.approx(1 / 3, abs=1e-4)


def test_if_all_are_answered_the_figures_are_those_of_all() -> None:
    measured = measure(TRUE_CLASSES, PROBABILITIES, CLASSES, np.zeros(6, dtype=bool), resamples=20)
    for key in ("accuracy", "macro_f1", "macro_recall"):
        assert measured["answered"][key] == measured[key]
    assert measured["answered"]["coverage"] == {"value": 1.0, "interval": [1.0, 1.0]}


def test_if_nothing_is_answered_there_is_only_the_coverage() -> None:
    answered = measure(TRUE_CLASSES, PROBABILITIES, CLASSES, np.ones(6, dtype=bool), resamples=20)["answered"]
    assert answered["coverage"]["value"] == 0
    assert answered["accuracy"]["value"] is None
    assert answered["false_alarms_on_healthy"]["value"] is None
    assert answered["per_class"]["Healthy"]["sensitivity"]["value"] is None


def test_without_a_healthy_class_there_are_no_false_alarms_on_it() -> None:
    measured = measure(TRUE_CLASSES, PROBABILITIES, ["a", "b"], np.zeros(6, dtype=bool), resamples=20)
    assert measured["answered"]["false_alarms_on_healthy"] == {"value": None, "interval": None}


def test_without_the_service_saying_when_it_is_unsure_there_is_no_such_part() -> None:
    assert "answered" not in measure(TRUE_CLASSES, PROBABILITIES, CLASSES, resamples=20)
