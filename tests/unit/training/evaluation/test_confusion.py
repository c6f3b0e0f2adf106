"""Counts with weights, and the figures that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from training.evaluation.confusion import figures_of, weighted_confusions


def test_each_row_of_weights_gives_its_own_matrix() -> None:
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 0, 3, 0]], dtype=np.float64)
    found = weighted_confusions(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2, weights)
    assert found.tolist() == [[[1, 1], [1, 2]], [[2, 0], [0, 3]]]


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


def test_what_is_absent_is_not_defined_and_spares_the_macros() -> None:
    figures = figures_of(np.array([[[3.0, 1.0], [0.0, 0.0]]]))
    assert figures["macro_recall"].tolist() == [0.75]
    assert figures["specificity"][0, 1] == 0.75
    for name in ("sensitivity", "precision", "f1"):
        assert np.isnan(figures[name][0, 1])
    assert np.isnan(figures["specificity"][0, 0])
    assert all(np.isnan(values).all() for values in figures_of(np.zeros((1, 2, 2))).values())
