"""Fits the trainable part of the network to stored features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import keras
from src.training.network import CLASSES, build_trainable_part

Features = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class FitRecipe:
    """How long and how fast.

    Attributes:
        steps: batches shown.
        batch: samples in each.
        learning_rate: Adam's, at the start; falls to zero along a cosine.
        label_smoothing: keeps scores away from 0 and 1, and wrong labels from being learnt by heart.
    """

    steps: int = 500
    batch: int = 64
    learning_rate: float = 1e-3
    label_smoothing: float = 0.1


def fit(
    backbone: Any,
    values: Features,
    labels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    recipe: FitRecipe,
    seed: int,
    on_step: Callable[[], None] = lambda: None,
) -> Any:
    """The trainable part, begun from the weights of `backbone` and fitted.

    Args:
        backbone: stays as it is.
        values: float16 (n, 7, 7, 512), outputs of the frozen part.
        labels: class indices (n).
        weights: probability of each sample to be drawn (n), summing to 1.
        recipe: how long and how fast.
        seed: of the first weights, the draws and the dropout.
        on_step: called after each batch.
    """
    keras.utils.set_random_seed(seed)
    part = build_trainable_part(backbone)
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.steps)
    part.compile(
        optimizer=keras.optimizers.Adam(schedule),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
    )
    rng = np.random.default_rng(seed)
    targets = np.eye(len(CLASSES), dtype=np.float32)
    for _ in range(recipe.steps):
        drawn = rng.choice(len(weights), size=recipe.batch, p=weights)
        part.train_on_batch(values[drawn].astype(np.float32), targets[labels[drawn]])
        on_step()
    return part


def predict(part: Any, values: Features, batch: int = 128) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (n, classes)."""
    said = np.zeros((len(values), len(CLASSES)), dtype=np.float32)
    for start in range(0, len(values), batch):
        stop = start + batch
        said[start:stop] = part.predict_on_batch(values[start:stop].astype(np.float32))
    return said
