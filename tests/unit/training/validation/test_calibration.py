"""The temperature makes scores as sure as they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import softmax

from src.services.familiarity import FamiliarityStatistics
from src.services.forward_pass import compile_forward_pass
from src.services.tensorflow_runtime import keras
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network, described
from training.evaluation.probabilities import calibration_error
from training.learning.network import GRAD_CAM_LAYER
from training.learning.trainer import describe
from training.validation import calibration
from training.validation.calibration import (
    at_temperature,
    fit_familiarity,
    fit_temperature,
    typical_unfamiliarity,
)

Honest = tuple[npt.NDArray[Any], npt.NDArray[Any]]


@pytest.fixture(scope="module")
def honest() -> Honest:
    """Probabilities, and classes that were drawn by them."""
    dice = np.random.default_rng(0)
    probabilities = softmax(dice.normal(0, 2, (6000, 4)), axis=1)
    return probabilities, np.array([dice.choice(4, p=row) for row in probabilities])


def test_a_temperature_divides_the_logits_and_leaves_the_order_of_the_classes(honest: Honest) -> None:
    probabilities = honest[0]
    assert at_temperature(probabilities, 1.0) == pytest.approx(probabilities)
    assert at_temperature(probabilities, 2.5) == pytest.approx(softmax((np.log(probabilities) + 5) / 2.5, axis=1))
    scaled = at_temperature(probabilities.astype(np.float32), 7.0)
    assert np.array_equal(scaled.argmax(axis=1), probabilities.argmax(axis=1))
    assert scaled.sum(axis=1) == pytest.approx(np.ones(len(scaled)))
    # Scores of nothing but zero and one stay finite.
    assert np.isfinite(at_temperature(np.eye(4), 10.0)).all()
    assert 0.1 <= fit_temperature(np.eye(4), np.arange(4)) <= 10


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_fit_undoes_what_was_done_to_honest_scores(honest: Honest, overconfidence: float) -> None:
    probabilities, truth = honest
    distorted = at_temperature(probabilities, 1 / overconfidence)
    temperature = fit_temperature(distorted, truth)
    assert temperature == pytest.approx(overconfidence, rel=0.06)
    calibrated = at_temperature(distorted, temperature)
    assert calibration_error(truth, calibrated)["ece_15_bins"] < 0.03


def test_pictures_count_by_their_weight(honest: Honest) -> None:
    probabilities, truth = honest
    half = len(truth) // 2
    mixed = np.concatenate([probabilities[:half], at_temperature(probabilities[half:], 1 / 3)])
    first_only, second_only = (np.where((np.arange(len(truth)) < half) == first, 1.0, 1e-9) for first in (True, False))
    assert fit_temperature(mixed, truth, first_only) == pytest.approx(1, rel=0.1)
    assert fit_temperature(mixed, truth, second_only) == pytest.approx(3, rel=0.1)
    assert 1.1 < fit_temperature(mixed, truth) < 2.8


MEASURES = 40


@pytest.fixture(scope="module")
def usual() -> Any:
    """Descriptors that vary along three directions only, and a little noise."""
    dice = np.random.default_rng(0)
    return 5 + dice.normal(size=(400, 3)) @ dice.normal(size=(3, MEASURES)) + dice.normal(0, 0.05, (400, MEASURES))


def test_descriptors_are_those_that_the_service_computes() -> None:
    keras.utils.set_random_seed(0)
    network = build_small_network()
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    forward = compile_forward_pass(network, GRAD_CAM_LAYER, 224, described_layer=f"densenet121/{FROZEN_UP_TO}")
    features = described(network)(pictures.astype(np.float32) / 255)
    np.testing.assert_allclose(describe(features.numpy()), forward(pictures)[2], rtol=1e-3, atol=1e-4)


def test_directions_are_those_of_most_variance_and_what_leaves_them_is_strange(
    usual: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "_DIRECTIONS", 3)
    statistics = fit_familiarity(usual[:300])
    components = statistics.components
    assert components.shape == (MEASURES, 3)
    assert components.T @ components == pytest.approx(np.eye(3), abs=1e-9)
    scaled = (usual[:300] - statistics.mean) / statistics.scale
    left = scaled - scaled @ components @ components.T
    assert (left**2).sum() < 0.02 * (scaled**2).sum()
    strange = 5 + np.random.default_rng(1).normal(size=(50, MEASURES))
    assert statistics.unfamiliarity(usual[300:]).max() < 0.1 * statistics.unfamiliarity(strange).min()
    # A measure that never changes does no harm.
    constant = np.concatenate([usual, np.ones((len(usual), 1))], axis=1)
    assert np.isfinite(fit_familiarity(constant).unfamiliarity(constant)).all()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_pictures_give_few_directions(usual: Any, count: int, tmp_path: Any) -> None:
    statistics = fit_familiarity(usual[:count])
    assert statistics.components.shape == (MEASURES, count - 1)
    statistics.save(tmp_path / "statistics.npz")
    assert FamiliarityStatistics.load(tmp_path / "statistics.npz").components.shape == (MEASURES, count - 1)
    assert np.isfinite(statistics.unfamiliarity(usual)).all()
    assert statistics.unfamiliarity(usual[:count]) == pytest.approx(np.zeros(count), abs=1e-6)


def test_typical_is_what_one_in_forty_exceeds_and_never_zero() -> None:
    unfamiliarity = np.linspace(0, 4, 401)
    assert (unfamiliarity > typical_unfamiliarity(unfamiliarity)).mean() == pytest.approx(1 / 40, abs=0.003)
    assert typical_unfamiliarity(np.zeros(5)) > 0


def test_few_and_many_pictures_come_to_the_same_directions(usual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each picture taken three times there are more pictures than measures, and nothing else is new."""
    monkeypatch.setattr(calibration, "_DIRECTIONS", 3)
    few, many = fit_familiarity(usual[:30]), fit_familiarity(np.concatenate([usual[:30]] * 3))
    assert few.unfamiliarity(usual) == pytest.approx(many.unfamiliarity(usual), rel=1e-6)
