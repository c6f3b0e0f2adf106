"""The network learns what is easy to learn, and the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network
from training.learning import fitting
from training.learning.fitting import FitRecipe, Fitting, predict
from training.learning.localisation import class_maps
from training.learning.network import (
    CLASSES,
    GRAD_CAM_LAYER,
    HEAD_LAYERS,
    HIDDEN_LAYER,
    INPUT_SIDE,
    MAP_SIDE,
    SCORE_LAYER,
)
from training.learning.rendering import RenderedSet
from training.learning.samples import EVIDENCE_SIDE, Sample, SampleKind
from training.learning.training_set import TrainingSet
from training.learning.views import ViewSet

COUNT = 24
EVERY = np.arange(COUNT)
LABELS = EVERY % len(CLASSES)
WEIGHTS = np.full(COUNT, 1 / COUNT)
RECIPE = FitRecipe(
    frozen_up_to=FROZEN_UP_TO,
    head_steps=4,
    steps=12,
    batch=8,
    learning_rate=2e-2,
    backbone_learning_rate=5e-3,
    average_decay=0.8,
)


class Interrupted(Exception):
    """As if somebody had pulled the plug."""


def rendered(evidence: Any = None, corner: int = 0) -> RenderedSet:
    """Each class has a colour of its own; of the first rows and columns `corner` are bright."""
    rng = np.random.default_rng(0)
    colours = np.array([(200, 40, 40), (40, 200, 40), (40, 40, 200), (190, 190, 40)])
    pictures = rng.integers(0, 56, (COUNT, INPUT_SIDE, INPUT_SIDE, 3)) + colours[LABELS][:, None, None]
    pictures[:, :corner, :corner] = 250
    shown = np.zeros((COUNT, EVIDENCE_SIDE, EVIDENCE_SIDE), np.uint8) if evidence is None else evidence
    made_of = [Sample(index, SampleKind.ORIGINAL, int(label), 0) for index, label in enumerate(LABELS)]
    return RenderedSet(made_of, pictures.astype(np.uint8), shown, "key")


PICTURES = rendered()


def as_they_are(rendered: RenderedSet, backbone: Any, frozen_up_to: str = FROZEN_UP_TO) -> TrainingSet:
    """One view of each sample, not augmented."""
    frozen = keras.Model(backbone.input, backbone.get_layer(frozen_up_to).output)
    features = frozen(rendered.pictures.astype(np.float32) / 255).numpy().astype(np.float16)
    side = EVIDENCE_SIDE // MAP_SIDE
    places = rendered.evidence.reshape(COUNT, MAP_SIDE, side, MAP_SIDE, side)
    evidence = places.mean(axis=(2, 4), dtype=np.float32) / 255
    return TrainingSet(ViewSet(EVERY, [features], [evidence]), LABELS)


@pytest.fixture(scope="module")
def samples(backbone: Any) -> TrainingSet:
    """No evidence."""
    return as_they_are(PICTURES, backbone)


def untrained(backbone: Any, seed: int = 0) -> Any:
    """A network of its own on the weights of the backbone."""
    keras.utils.set_random_seed(seed)
    network = build_small_network()
    network.get_layer("densenet121").set_weights(backbone.get_weights())
    return network


def fit(backbone: Any, samples: TrainingSet, recipe: FitRecipe = RECIPE, **more: Any) -> Any:
    network = untrained(backbone)
    Fitting(network, recipe, 0, **more).run(samples, WEIGHTS)
    return network


@pytest.fixture(scope="module")
def fitted(backbone: Any, samples: TrainingSet) -> Any:
    return fit(backbone, samples)


def loss_of(network: Any) -> float:
    said = predict(network, PICTURES, EVERY)
    return float(-np.log(said[EVERY, LABELS]).mean())


def distance(one: Any, other: Any) -> float:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return max(float(np.abs(first - second).max()) for first, second in pairs)


def kernel_of(network: Any, layer: str) -> Any:
    owner = network if layer in HEAD_LAYERS else network.get_layer("densenet121")
    return owner.get_layer(layer).kernel.numpy()


def test_the_loss_falls_on_what_is_easy_and_the_seed_decides_the_weights(
    backbone: Any, samples: TrainingSet, fitted: Any
) -> None:
    assert loss_of(fitted) < 0.7 * loss_of(untrained(backbone))
    said = predict(fitted, PICTURES, EVERY, batch=7)
    assert (said.argmax(axis=1) == LABELS).mean() > 0.9
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    steps: list[int] = []
    again = untrained(backbone)
    Fitting(again, RECIPE, seed=0).run(samples, WEIGHTS, on_step=lambda: steps.append(1))
    assert len(steps) == RECIPE.all_steps == 16
    assert distance(again, fitted) < 1e-5


def test_what_is_frozen_and_every_normalisation_stay_and_all_behind_learns(backbone: Any, fitted: Any) -> None:
    before = untrained(backbone)
    changed = {
        layer.name
        for layer in before.get_layer("densenet121").layers
        if any(
            not np.array_equal(old, new)
            for old, new in zip(
                layer.get_weights(), fitted.get_layer("densenet121").get_layer(layer.name).get_weights(), strict=True
            )
        )
    }
    assert changed == {"block"}
    recipe = replace(RECIPE, frozen_up_to="input_1", head_steps=0, steps=2)
    deeper = fit(backbone, as_they_are(PICTURES, backbone, "input_1"), recipe)
    assert not np.array_equal(kernel_of(deeper, "conv1/conv"), kernel_of(before, "conv1/conv"))
    old, new = (net.get_layer("densenet121").get_layer("conv1/bn").get_weights() for net in (before, deeper))
    assert all(np.array_equal(one, other) for one, other in zip(old, new, strict=True))


def test_steps_of_the_head_leave_the_block_as_it_was(backbone: Any, samples: TrainingSet) -> None:
    before = untrained(backbone)
    network = fit(backbone, samples, replace(RECIPE, head_steps=2, steps=0))
    assert np.array_equal(kernel_of(network, "block"), kernel_of(before, "block"))
    for name in HEAD_LAYERS:
        assert np.abs(kernel_of(network, name) - kernel_of(before, name)).max() > 1e-4


def test_the_average_of_the_weights_is_what_is_kept(backbone: Any, samples: TrainingSet) -> None:
    recipe = replace(RECIPE, head_steps=3, steps=0, average_decay=0.5)
    last = untrained(backbone)
    seen = [kernel_of(last, SCORE_LAYER)]
    fitting_last = Fitting(last, replace(recipe, average_decay=0.0), seed=0)
    fitting_last.run(samples, WEIGHTS, on_step=lambda: seen.append(kernel_of(last, SCORE_LAYER)))
    average = seen[0]
    for weights in seen[1:]:
        average = 0.5 * average + 0.5 * weights
    kept = kernel_of(fit(backbone, samples, recipe), SCORE_LAYER)
    np.testing.assert_allclose(kept, average, atol=1e-5)
    assert np.abs(kept - seen[-1]).max() > 1e-4


def test_an_interrupted_run_goes_on_at_its_checkpoint(
    backbone: Any, samples: TrainingSet, fitted: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_CHECKPOINT_EVERY", 5)
    steps: list[int] = []

    def step_and_break() -> None:
        steps.append(1)
        if len(steps) == 12:
            raise Interrupted

    with pytest.raises(Interrupted):
        Fitting(untrained(backbone), RECIPE, seed=0).run(samples, WEIGHTS, tmp_path / "unfinished", step_and_break)
    network = untrained(backbone, seed=1)
    second = Fitting(network, RECIPE, seed=0)
    taken: list[int] = []
    second.run(
        samples, WEIGHTS, tmp_path / "unfinished", on_step=lambda: taken.append(int(second._head_optimizer.iterations))
    )
    # Ten steps are told at once, and are not taken again.
    assert taken == [10] * 10 + [11, 12, 13, 14, 15, 16]
    assert int(second._block_optimizer.iterations) == RECIPE.steps
    # Dropout differs; the batches, the optimizers and the average do not.
    assert distance(network, fitted) < 0.5 * distance(untrained(backbone), fitted)
    assert loss_of(network) == pytest.approx(loss_of(fitted), rel=0.25)


def test_the_scale_of_the_loss_changes_next_to_nothing_and_a_step_that_overflows_is_skipped(
    backbone: Any, samples: TrainingSet
) -> None:
    recipe = replace(RECIPE, head_steps=3, steps=0)
    plain, scaled = (
        predict(fit(backbone, samples, recipe, loss_scale=scale), PICTURES, EVERY) for scale in (1.0, 1024.0)
    )
    np.testing.assert_allclose(scaled, plain, atol=1e-3)
    # The loss itself is finite; what sums up gradients is infinite.
    before = untrained(backbone).get_weights()
    for old, new in zip(before, fit(backbone, samples, recipe, loss_scale=3e38).get_weights(), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def test_the_place_of_the_evidence_is_learnt(backbone: Any) -> None:
    """With the evidence in one corner, the weight of the place moves heat there."""
    quarter = EVIDENCE_SIDE * 2 // 7
    corner = np.zeros((COUNT, EVIDENCE_SIDE, EVIDENCE_SIDE), np.uint8)
    corner[:, :quarter, :quarter] = 255
    bright = rendered(corner, corner=INPUT_SIDE * 2 // 7)
    at_corner = as_they_are(bright, backbone)

    def heat_in_corner(place_weight: float) -> float:
        """Share of the heat of each sample's own class."""
        recipe = replace(RECIPE, head_steps=0, steps=10, place_weight=place_weight)
        network = fit(backbone, at_corner, recipe)
        layers = [network.get_layer(name) for name in (GRAD_CAM_LAYER, HIDDEN_LAYER, SCORE_LAYER)]
        model = keras.Model(network.input, [layers[0].output, layers[1].output])
        activations, hidden = model(bright.pictures.astype(np.float32) / 255)
        maps = class_maps(activations, hidden, layers[1].kernel, layers[2].kernel).numpy()
        own = np.maximum(maps[np.arange(COUNT), ..., LABELS], 0)
        return float(own[:, :2, :2].sum() / own.sum())

    assert heat_in_corner(3.0) > heat_in_corner(0.0)
