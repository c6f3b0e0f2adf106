"""The loss sees the service's own heatmap, and falls when heat moves to where the evidence is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from src.services.grad_cam import class_activation_maps
from src.services.tensorflow_runtime import keras, tf
from tests.unit.training.small_network import build_small_network
from training.learning.localisation import class_maps, localisation_loss
from training.learning.network import CLASSES, GRAD_CAM_LAYER, HIDDEN_LAYER, INPUT_SIDE, SCORE_LAYER


def test_the_closed_form_is_what_the_gradients_say_and_the_service_shows() -> None:
    keras.utils.set_random_seed(5)
    network = build_small_network()
    multiply, hidden, score = (network.get_layer(name) for name in (GRAD_CAM_LAYER, HIDDEN_LAYER, SCORE_LAYER))
    pictures = np.random.default_rng(0).random((3, INPUT_SIDE, INPUT_SIDE, 3), dtype=np.float32)
    activations, units = keras.Model(network.input, [multiply.output, hidden.output])(pictures, training=False)
    # The mean over 49 places divides each gradient by 49.
    all_maps = class_maps(activations, units, hidden.kernel, score.kernel).numpy() / 49

    def logits(activations: Any) -> Any:
        """What follows the activations, as a graph would compute it."""
        return tf.matmul(hidden(tf.reduce_mean(activations, [1, 2])), score.kernel) + score.bias

    shown = tf.function(lambda activations: class_activation_maps(activations, logits(activations)))
    service = shown(activations).numpy()
    assert (service > 0).any()
    for label in range(len(CLASSES)):
        ours = all_maps[..., label]
        with tf.GradientTape() as tape:
            tape.watch(activations)
            of_class = logits(activations)[:, label]
        channel_weights = tf.reduce_mean(tape.gradient(of_class, activations), [1, 2])
        expected = tf.einsum("bhwc,bc->bhw", activations, channel_weights).numpy()
        assert np.ptp(expected) > 0
        np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-6 * np.abs(expected).max())
        # The service shows the same without what is below zero.
        ours = np.maximum(ours, 0)
        np.testing.assert_allclose(service[:, label], ours, rtol=1e-3, atol=1e-6 * np.abs(ours).max())


TARGET, OTHER = 1, 2
TARGETS = tf.one_hot([TARGET], len(CLASSES))


def place(row: int, column: int) -> Any:
    evidence = np.zeros((1, 7, 7), np.float32)
    evidence[0, row, column] = 1
    return tf.constant(evidence)


def maps(own: Any, other: Any = 0.0) -> Any:
    """Maps of one sample: `own` for its class, `other` for one other class, zeros for the others."""
    stacked = np.zeros((1, 7, 7, len(CLASSES)), np.float32)
    stacked[..., TARGET], stacked[..., OTHER] = own, other
    return tf.constant(stacked)


def loss_of(some_maps: Any, evidence: Any) -> float:
    return float(localisation_loss(some_maps, TARGETS, evidence))


def random_map(seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(1, 7, 7))


def test_the_loss_falls_when_the_heat_moves_into_the_evidence() -> None:
    at_evidence, beside, nowhere = (loss_of(maps(heat), place(2, 3)) for heat in (place(2, 3), place(2, 4), 0.0))
    assert at_evidence < nowhere < beside
    assert nowhere == pytest.approx(np.log(49), rel=1e-3)


def test_other_classes_must_not_be_hot_where_the_evidence_is() -> None:
    own, evidence = random_map(), place(2, 3)
    alone = loss_of(maps(own), evidence)
    assert loss_of(maps(own, place(2, 3)), evidence) > alone
    # Elsewhere they may be, and what speaks against them may be there.
    assert loss_of(maps(own, place(5, 5)), evidence) == pytest.approx(alone)
    assert loss_of(maps(own, -place(2, 3)), evidence) == pytest.approx(alone)


def test_the_gradient_asks_for_heat_on_the_evidence_and_only_there() -> None:
    some_maps = maps(random_map())
    with tf.GradientTape() as tape:
        tape.watch(some_maps)
        loss = localisation_loss(some_maps, TARGETS, place(6, 0))
    wanted = -tape.gradient(loss, some_maps).numpy()[0]
    assert wanted[6, 0, TARGET] > 0
    assert (np.delete(wanted[..., TARGET].ravel(), 6 * 7) < 0).all()
    assert (np.delete(wanted, TARGET, axis=2) == 0).all()


def test_samples_without_evidence_count_nothing() -> None:
    three = tf.concat([maps(random_map(seed), random_map(seed + 9)) for seed in range(3)], axis=0)
    evidence = np.zeros((3, 7, 7), np.float32)
    evidence[1, 3, 3:5] = 1
    targets = tf.one_hot([TARGET] * 3, len(CLASSES))
    alone = localisation_loss(three[1:2], targets[1:2], tf.constant(evidence[1:2]))
    assert float(localisation_loss(three, targets, tf.constant(evidence))) == pytest.approx(float(alone))


@pytest.mark.parametrize("heat", [0.0, 1.0, 1e4])
@pytest.mark.parametrize("covered", [0.0, 0.01, 1.0])
def test_flat_maps_and_empty_evidence_give_numbers(heat: float, covered: float) -> None:
    some_maps, evidence = maps(heat), tf.fill((1, 7, 7), covered)
    with tf.GradientTape() as tape:
        tape.watch(some_maps)
        loss = localisation_loss(some_maps, TARGETS, evidence)
    assert np.isfinite(loss)
    assert np.isfinite(tape.gradient(loss, some_maps)).all()
    # 49 places of 0.01 are known evidence; nothing at all is not.
    assert float(loss) == pytest.approx(np.log(49) if covered else 0.0, rel=1e-3)
