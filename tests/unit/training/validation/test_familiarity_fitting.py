"""Statistics of ordinary descriptors tell strangers from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from src.services.familiarity import FamiliarityStatistics
from src.services.forward_pass import compile_forward_pass
from src.services.tensorflow_runtime import keras
from tests.unit.training.small_network import build_small_network
from training.learning.network import CUT_LAYER, GRAD_CAM_LAYER, frozen_part
from training.validation import familiarity_fitting
from training.validation.familiarity_fitting import describe, fit_familiarity, typical_unfamiliarity

MEASURES = 40


@pytest.fixture(scope="module")
def usual() -> Any:
    """Descriptors that vary along three directions only, and a little noise."""
    dice = np.random.default_rng(0)
    return 5 + dice.normal(size=(400, 3)) @ dice.normal(size=(3, MEASURES)) + dice.normal(0, 0.05, (400, MEASURES))


@pytest.fixture(scope="module")
def statistics(usual: Any) -> FamiliarityStatistics:
    with pytest.MonkeyPatch.context() as fewer:
        fewer.setattr(familiarity_fitting, "_DIRECTIONS", 3)
        return fit_familiarity(usual[:300])


def test_descriptors_are_those_that_the_service_computes() -> None:
    keras.utils.set_random_seed(0)
    network = build_small_network()
    pictures = np.random.default_rng(0).integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    forward = compile_forward_pass(network, GRAD_CAM_LAYER, 224, described_layer=f"densenet121/{CUT_LAYER}")
    features = frozen_part(network.get_layer("densenet121"))(pictures.astype(np.float32) / 255)
    np.testing.assert_allclose(describe(features.numpy()), forward(pictures)[2], rtol=1e-3, atol=1e-4)


def test_the_usual_is_familiar_and_the_strange_is_not(statistics: FamiliarityStatistics, usual: Any) -> None:
    strange = 5 + np.random.default_rng(1).normal(size=(50, MEASURES))
    assert statistics.unfamiliarity(usual[300:]).max() < 0.1 * statistics.unfamiliarity(strange).min()


def test_directions_are_orthonormal_and_those_of_most_variance(statistics: FamiliarityStatistics, usual: Any) -> None:
    components = statistics.components
    assert components.shape == (MEASURES, 3)
    assert components.T @ components == pytest.approx(np.eye(3), abs=1e-9)
    scaled = (usual[:300] - statistics.mean) / statistics.scale
    left = scaled - scaled @ components @ components.T
    assert (left**2).sum() < 0.02 * (scaled**2).sum()


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_pictures_give_few_directions(usual: Any, count: int, tmp_path: Any) -> None:
    statistics = fit_familiarity(usual[:count])
    assert statistics.components.shape == (MEASURES, count - 1)
    statistics.save(tmp_path / "statistics.npz")
    assert FamiliarityStatistics.load(tmp_path / "statistics.npz").components.shape == (MEASURES, count - 1)
    assert np.isfinite(statistics.unfamiliarity(usual)).all()
    assert statistics.unfamiliarity(usual[:count]) == pytest.approx(np.zeros(count), abs=1e-6)


def test_a_measure_that_never_changes_does_no_harm(usual: Any) -> None:
    constant = np.concatenate([usual, np.ones((len(usual), 1))], axis=1)
    assert np.isfinite(fit_familiarity(constant).unfamiliarity(constant)).all()


def test_typical_is_what_one_in_forty_exceeds() -> None:
    unfamiliarity = np.linspace(0, 4, 401)
    assert (unfamiliarity > typical_unfamiliarity(unfamiliarity)).mean() == pytest.approx(1 / 40, abs=0.003)


def test_typical_is_never_zero() -> None:
    assert typical_unfamiliarity(np.zeros(5)) > 0


def test_few_and_many_pictures_come_to_the_same_directions(usual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each picture taken three times there are more pictures than measures, and nothing else is new."""
    monkeypatch.setattr(familiarity_fitting, "_DIRECTIONS", 3)
    few, many = fit_familiarity(usual[:30]), fit_familiarity(np.concatenate([usual[:30]] * 3))
    assert few.unfamiliarity(usual) == pytest.approx(many.unfamiliarity(usual), rel=1e-6)
