"""The more confident half should make fewer mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.risk_coverage import risk_coverage


def test_the_least_confident_answers_come_last() -> None:
    right = np.array([False, True, True, True])
    found = risk_coverage(right, np.array([0.5, 0.9, 0.8, 0.7]))
    assert [(point["coverage"], point["risk"]) for point in found["curve"]] == [
        (0.25, 0),
        (0.5, 0),
        (0.75, 0),
        (1, 0.25),
    ]
    assert [point["least_confidence"] for point in found["curve"]] == [0.9, 0.8, 0.7, 0.5]
    assert found["area"] == pytest.approx(0.25 / 4)
    assert found["accuracy_at_coverage"] == {"0.85": 0.75, "0.9": 0.75, "1": 0.75}


def test_a_coverage_takes_as_many_pictures_as_it_says() -> None:
    right = np.arange(20) < 17
    found = risk_coverage(right, np.linspace(0.9, 0.5, 20))
    assert found["accuracy_at_coverage"]["0.85"] == 1.0
    assert found["accuracy_at_coverage"]["0.9"] == pytest.approx(17 / 18, abs=1e-4)


def test_the_order_of_equally_confident_pictures_does_not_matter() -> None:
    confidence = np.full(4, 0.6)
    first, second = (risk_coverage(np.array(right, dtype=bool), confidence) for right in ([1, 1, 0, 0], [0, 0, 1, 1]))
    assert first == second
    assert first["area"] == 0.5


def test_a_long_curve_is_thinned() -> None:
    rng = np.random.default_rng(0)
    curve = risk_coverage(rng.random(5000) < 0.8, rng.random(5000))["curve"]
    assert len(curve) == 100
    assert curve[-1]["coverage"] == 1
