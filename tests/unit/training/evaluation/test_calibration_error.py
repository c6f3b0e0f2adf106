"""Stated confidence against the share that is right."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.calibration_error import BINS, calibration_error


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
