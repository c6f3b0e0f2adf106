"""The trainable part learns what is easy to learn, and the same each time."""

from __future__ import annotations

import numpy as np

from src.training.fitting import FitRecipe, fit, predict
from src.training.network import CLASSES, CUT_SHAPE, build_backbone


def test_learns_and_repeats() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(40) % len(CLASSES)
    values = rng.random((40, *CUT_SHAPE)).astype(np.float16)
    for index, label in enumerate(labels):
        values[index, :, :, label * 150 : label * 150 + 150] += 2
    weights = np.full(40, 1 / 40)
    backbone = build_backbone()
    untouched = backbone.get_weights()
    recipe = FitRecipe(steps=25, batch=8, learning_rate=1e-3)
    steps: list[int] = []
    first = predict(fit(backbone, values, labels, weights, recipe, 0, lambda: steps.append(1)), values)
    second = predict(fit(backbone, values, labels, weights, recipe, 0), values)
    assert len(steps) == recipe.steps
    assert (first.argmax(axis=1) == labels).mean() > 0.9
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(first, second, atol=1e-3)
    assert all(np.array_equal(now, before) for now, before in zip(backbone.get_weights(), untouched, strict=True))
