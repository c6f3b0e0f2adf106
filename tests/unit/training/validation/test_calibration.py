"""The temperature makes scores as sure as they are right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from training.evaluation.calibration_error import calibration_error
from training.validation.calibration import at_temperature, fit_temperature


@pytest.fixture(scope="module")
def honest() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and classes that were drawn by them."""
    dice = np.random.default_rng(0)
    probabilities = softmax(dice.normal(0, 2, (6000, 4)), axis=1)
    return probabilities, np.array([dice.choice(4, p=row) for row in probabilities])


def test_at_one_nothing_changes(honest: tuple[np.ndarray, np.ndarray]) -> None:
    assert at_temperature(honest[0], 1.0) == pytest.approx(honest[0])


def test_logits_are_divided(honest: tuple[np.ndarray, np.ndarray]) -> None:
    logits = np.log(honest[0]) + 5
    assert at_temperature(honest[0], 2.5) == pytest.approx(softmax(logits / 2.5, axis=1))


def test_the_order_of_the_classes_stays_and_every_row_sums_to_one(honest: tuple[np.ndarray, np.ndarray]) -> None:
    scaled = at_temperature(honest[0].astype(np.float32), 7.0)
    assert np.array_equal(scaled.argmax(axis=1), honest[0].argmax(axis=1))
    assert scaled.sum(axis=1) == pytest.approx(np.ones(len(scaled)))


def test_scores_of_nothing_but_zero_and_one_stay_finite() -> None:
    assert np.isfinite(at_temperature(np.eye(4), 10.0)).all()
    assert 0.1 <= fit_temperature(np.eye(4), np.arange(4)) <= 10


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_fit_undoes_what_was_done_to_honest_scores(
    honest: tuple[np.ndarray, np.ndarray], overconfidence: float
) -> None:
    probabilities, truth = honest
    distorted = at_temperature(probabilities, 1 / overconfidence)
    temperature = fit_temperature(distorted, truth)
    assert temperature == pytest.approx(overconfidence, rel=0.06)
    calibrated = at_temperature(distorted, temperature)
    assert calibration_error(truth, calibrated)["ece_15_bins"] < 0.03


def test_pictures_count_by_their_weight(honest: tuple[np.ndarray, np.ndarray]) -> None:
    probabilities, truth = honest
    half = len(truth) // 2
    mixed = np.concatenate([probabilities[:half], at_temperature(probabilities[half:], 1 / 3)])
    first_only, second_only = (np.where((np.arange(len(truth)) < half) == first, 1.0, 1e-9) for first in (True, False))
    assert fit_temperature(mixed, truth, first_only) == pytest.approx(1, rel=0.1)
    assert fit_temperature(mixed, truth, second_only) == pytest.approx(3, rel=0.1)
    assert 1.1 < fit_temperature(mixed, truth) < 2.8
