"""Thresholds are tried where scores differ, and equal scores are not told apart."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from training.evaluation.ranking import ranked_figures, roc_points


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_are_those_of_scikit_learn_whatever_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.3
    scores = np.round(rng.random(80) + 0.4 * positive, 1)
    weights = rng.integers(0, 3, (4, 80)).astype(np.float64)
    figures = ranked_figures(positive, scores, weights)
    for row, counts in enumerate(weights):
        assert figures["auroc"][row] == pytest.approx(
            sklearn.metrics.roc_auc_score(positive, scores, sample_weight=counts)
        )
        assert figures["average_precision"][row] == pytest.approx(
            sklearn.metrics.average_precision_score(positive, scores, sample_weight=counts)
        )


def test_one_false_alarm_in_twenty_is_allowed_and_a_second_is_not() -> None:
    positive = np.array([True, False, True, False, True] + [False] * 18)
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5] + [0.1] * 18)
    found = ranked_figures(positive, scores, np.ones((1, 23)))["sensitivity_at_specificity_95"]
    assert found == pytest.approx([2 / 3])


def test_if_all_score_the_same_no_threshold_helps() -> None:
    figures = ranked_figures(np.array([True, False]), np.array([0.5, 0.5]), np.ones((1, 2)))
    assert figures["auroc"].tolist() == [0.5]
    assert figures["sensitivity_at_specificity_95"].tolist() == [0.0]


@pytest.mark.parametrize("positive", [[True, True], [False, False]])
def test_one_kind_alone_cannot_be_ranked(positive: list[bool]) -> None:
    figures = ranked_figures(np.array(positive), np.array([0.2, 0.9]), np.ones((1, 2)))
    assert all(np.isnan(values).all() for values in figures.values())
    assert roc_points(np.array(positive), np.array([0.2, 0.9])) is None


def test_the_curve_goes_from_nothing_to_everything() -> None:
    curve = roc_points(np.array([True, False, True]), np.array([0.9, 0.5, 0.1]))
    assert curve == {"false_positive_rate": [0, 0, 1, 1], "sensitivity": [0, 0.5, 0.5, 1]}
