"""Thresholds are tried where scores differ, and equal scores are not told apart."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from training.evaluation.probabilities import BINS, calibration_error, ranked_figures, risk_coverage, roc_points


@pytest.mark.parametrize("seed", range(4))
def test_the_figures_are_those_of_scikit_learn_whatever_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    positive = rng.random(80) < 0.3
    scores = np.round(rng.random(80) + np.where(positive, 0.4, 0.0), 1)
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
    # If all score the same no threshold helps.
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


def test_the_least_confident_answers_come_last() -> None:
    right = np.array([False, True, True, True])
    found = risk_coverage(right, np.array([0.5, 0.9, 0.8, 0.7]))
    curve = [(point["coverage"], point["risk"], point["least_confidence"]) for point in found["curve"]]
    assert curve == [(0.25, 0, 0.9), (0.5, 0, 0.8), (0.75, 0, 0.7), (1, 0.25, 0.5)]
    assert found["area"] == pytest.approx(0.25 / 4)
    assert found["accuracy_at_coverage"] == {"0.85": 0.75, "0.9": 0.75, "1": 0.75}
    # A coverage takes as many pictures as it says.
    found = risk_coverage(np.arange(20) < 17, np.linspace(0.9, 0.5, 20))
    assert found["accuracy_at_coverage"]["0.85"] == 1.0
    assert found["accuracy_at_coverage"]["0.9"] == pytest.approx(17 / 18, abs=1e-4)


def test_the_order_of_equally_confident_pictures_does_not_matter() -> None:
    confidence = np.full(4, 0.6)
    first, second = (risk_coverage(np.array(right, dtype=bool), confidence) for right in ([1, 1, 0, 0], [0, 0, 1, 1]))
    assert first == second
    assert first["area"] == 0.5
    # A long curve is thinned.
    rng = np.random.default_rng(0)
    curve = risk_coverage(rng.random(5000) < 0.8, rng.random(5000))["curve"]
    assert len(curve) == 100
    assert curve[-1]["coverage"] == 1


def test_right_in_nine_of_ten_at_90_percent_is_no_error() -> None:
    truth = np.array([0] * 9 + [1])
    found = calibration_error(truth, np.tile([0.9, 0.1], (10, 1)))
    assert found["ece_15_bins"] == 0
    # Nine times 2 x 0.1 squared, once 2 x 0.9 squared.
    assert found["brier"] == pytest.approx((9 * 0.02 + 1.62) / 10, abs=1e-4)


def test_the_error_is_the_mean_distance_weighted_by_the_bins_sizes() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.45, 0.55]])
    found = calibration_error(np.array([0, 0, 0, 0]), probabilities)
    assert found["ece_15_bins"] == pytest.approx(0.75 * 0.1 + 0.25 * 0.55)
    filled = [part for part in found["bins"] if part["n"]]
    assert [(part["n"], part["confidence"], part["accuracy"]) for part in filled] == [(1, 0.55, 0.0), (3, 0.9, 1.0)]


def test_the_bins_cover_everything_once() -> None:
    edges = np.linspace(0, 1, BINS + 1)[8:]
    probabilities = np.stack([edges, 1 - edges], axis=1)
    bins = calibration_error(np.zeros(len(edges), dtype=np.int64), probabilities)["bins"]
    assert len(bins) == BINS
    assert sum(part["n"] for part in bins) == len(edges)
    assert bins[-1]["n"] == 1
    assert bins[0] == {"from": 0.0, "to": 0.0667, "confidence": None, "accuracy": None, "n": 0}
