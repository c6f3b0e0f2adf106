"""The trainable part learns what is easy to learn, and the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras
from training.learning import fitting
from training.learning.fitting import FitRecipe, Fitting, class_maps, predict
from training.learning.network import CLASSES, CUT_SHAPE, GRAD_CAM_LAYER, HEAD_LAYERS, HIDDEN_LAYER, SCORE_LAYER
from training.learning.training_set import TrainingSet

COUNT = 24
EVERY = np.arange(COUNT)
LABELS = EVERY % len(CLASSES)
WEIGHTS = np.full(COUNT, 1 / COUNT)
RECIPE = FitRecipe(head_steps=4, steps=12, batch=8, learning_rate=3e-3, backbone_learning_rate=1e-3, average_decay=0.8)


class Interrupted(Exception):
    """As if somebody had pulled the plug."""


@pytest.fixture(scope="module")
def samples() -> TrainingSet:
    """Each class has channels of its own; no evidence."""
    values = np.random.default_rng(0).random((COUNT, *CUT_SHAPE)).astype(np.float16)
    for index, label in enumerate(LABELS):
        values[index, :, :, label * 128 : label * 128 + 128] += 2
    return TrainingSet(values, LABELS, np.zeros((COUNT, 7, 7), np.float16))


@pytest.fixture(scope="module")
def fitted(backbone: Any, samples: TrainingSet) -> Any:
    return Fitting(backbone, RECIPE, seed=0).run(samples, WEIGHTS)


def loss_of(part: Any, samples: TrainingSet) -> float:
    said = predict(part, samples.values, EVERY)
    return float(-np.log(said[EVERY, LABELS]).mean())


def distance(one: Any, other: Any) -> float:
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return max(float(np.abs(first - second).max()) for first, second in pairs)


def kernel_of(part: Any, layer: str) -> Any:
    return part.get_layer(layer).kernel.numpy()


def test_the_loss_falls_on_what_is_easy_and_the_seed_decides_the_weights(
    backbone: Any, samples: TrainingSet, fitted: Any
) -> None:
    before = backbone.get_weights()
    untrained = Fitting(backbone, RECIPE, seed=0).part
    assert loss_of(fitted, samples) < 0.7 * loss_of(untrained, samples)
    said = predict(fitted, samples.values, EVERY, batch=7)
    assert (said.argmax(axis=1) == LABELS).mean() > 0.9
    np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-5)
    steps: list[int] = []
    again = Fitting(backbone, RECIPE, seed=0).run(samples, WEIGHTS, on_step=lambda: steps.append(1))
    assert len(steps) == RECIPE.all_steps == 16
    assert distance(again, fitted) < 1e-5
    assert distance(Fitting(backbone, RECIPE, seed=1).part, untrained) > 0.01
    # The backbone itself stays as it is.
    assert all(np.array_equal(now, old) for now, old in zip(backbone.get_weights(), before, strict=True))


def test_steps_of_the_head_leave_the_block_as_it_was(backbone: Any, samples: TrainingSet) -> None:
    untrained = Fitting(backbone, RECIPE, seed=0).part
    part = Fitting(backbone, replace(RECIPE, head_steps=2, steps=0), seed=0).run(samples, WEIGHTS)
    assert np.array_equal(kernel_of(part, "block"), kernel_of(backbone, "block"))
    for name in HEAD_LAYERS:
        assert np.abs(kernel_of(part, name) - kernel_of(untrained, name)).max() > 1e-4


def test_the_average_of_the_weights_is_what_is_kept(backbone: Any, samples: TrainingSet) -> None:
    recipe = replace(RECIPE, head_steps=3, steps=0, average_decay=0.5)
    last = Fitting(backbone, replace(recipe, average_decay=0.0), seed=0)
    seen = [kernel_of(last.part, SCORE_LAYER)]
    last.run(samples, WEIGHTS, on_step=lambda: seen.append(kernel_of(last.part, SCORE_LAYER)))
    average = seen[0]
    for weights in seen[1:]:
        average = 0.5 * average + 0.5 * weights
    kept = kernel_of(Fitting(backbone, recipe, seed=0).run(samples, WEIGHTS), SCORE_LAYER)
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
        Fitting(backbone, RECIPE, seed=0).run(
            samples, WEIGHTS, checkpoint_folder=tmp_path / "unfinished", on_step=step_and_break
        )
    second = Fitting(backbone, RECIPE, seed=0)
    taken: list[int] = []
    part = second.run(
        samples,
        WEIGHTS,
        checkpoint_folder=tmp_path / "unfinished",
        on_step=lambda: taken.append(int(second._head_optimizer.iterations)),
    )
    # Ten steps are told at once, and are not taken again.
    assert taken == [10] * 10 + [11, 12, 13, 14, 15, 16]
    assert int(second._block_optimizer.iterations) == RECIPE.steps
    # Dropout differs; the batches, the optimizers and the average do not.
    untrained = Fitting(backbone, RECIPE, seed=0).part
    assert distance(part, fitted) < 0.5 * distance(untrained, fitted)
    assert loss_of(part, samples) == pytest.approx(loss_of(fitted, samples), rel=0.25)


def test_patience_stops_early_and_keeps_the_best_weights(backbone: Any, samples: TrainingSet) -> None:
    """What is kept aside has wrong labels: the more is learnt, the worse these are told."""
    recipe = replace(RECIPE, head_steps=8, steps=40, learning_rate=0.03, patience=1, evaluate_every=4)
    wrong = TrainingSet(samples.values, (LABELS + (EVERY < 4)) % len(CLASSES), samples.evidence)
    kept_aside = np.arange(4)
    seen: list[float] = []
    steps: list[int] = []
    fit = Fitting(backbone, recipe, seed=0)

    def look() -> None:
        steps.append(1)
        if len(steps) % recipe.evaluate_every == 0:
            seen.append(fit._loss_on(wrong, kept_aside))

    part = fit.run(wrong, np.where(EVERY < 4, 0, 1 / (COUNT - 4)), kept_aside, on_step=look)
    assert len(steps) < recipe.all_steps
    assert seen[-1] > min(seen)
    assert fit._loss_on(wrong, kept_aside) == pytest.approx(min(seen), rel=1e-4)
    assert part is fit.part

    steps.clear()
    recipe = replace(RECIPE, head_steps=4, steps=0, evaluate_every=1)
    Fitting(backbone, recipe, seed=0).run(samples, WEIGHTS, kept_aside, on_step=lambda: steps.append(1))
    assert len(steps) == 4


def test_the_scale_of_the_loss_changes_next_to_nothing_and_a_step_that_overflows_is_skipped(
    backbone: Any, samples: TrainingSet
) -> None:
    recipe = replace(RECIPE, head_steps=3, steps=0)
    plain, scaled = (
        predict(Fitting(backbone, recipe, seed=0, loss_scale=scale).run(samples, WEIGHTS), samples.values, EVERY)
        for scale in (1.0, 1024.0)
    )
    np.testing.assert_allclose(plain, scaled, atol=0.01)
    # At the largest scale that float32 knows, whatever sums up gradients is infinite.
    fit = Fitting(backbone, recipe, seed=0, loss_scale=3e38)
    before = fit.part.get_weights()
    for old, new in zip(before, fit.run(samples, WEIGHTS).get_weights(), strict=True):
        np.testing.assert_allclose(new, old, atol=1e-6)


def test_the_place_of_the_evidence_is_learnt(backbone: Any, samples: TrainingSet) -> None:
    """With the evidence in one corner, the weight of the place moves heat there."""
    corner = np.zeros((COUNT, 7, 7), np.float16)
    corner[:, :2, :2] = 1
    values = samples.values.copy()
    values[:, :2, :2, :64] += 4
    at_corner = TrainingSet(values, LABELS, corner)

    def heat_in_corner(place_weight: float) -> float:
        """Share of the heat of each sample's own class."""
        recipe = replace(RECIPE, head_steps=0, steps=10, place_weight=place_weight)
        part = Fitting(backbone, recipe, seed=0).run(at_corner, WEIGHTS)
        layers = [part.get_layer(name) for name in (GRAD_CAM_LAYER, HIDDEN_LAYER, SCORE_LAYER)]
        model = keras.Model(part.input, [layers[0].output, layers[1].output])
        activations, hidden = model(values.astype(np.float32))
        maps = class_maps(activations, hidden, layers[1].kernel, layers[2].kernel).numpy()
        own = np.maximum(maps[np.arange(COUNT), ..., LABELS], 0)
        return float(own[:, :2, :2].sum() / own.sum())

    assert heat_in_corner(3.0) > heat_in_corner(0.0)
