"""Fits the eye finder to scenes that are drawn anew in every batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.eye_finder import (
    IRIS,
    IRIS_LOGIT,
    LOG_WIDTH,
    OUTLINE,
    OUTPUTS,
    PLACES,
    SCORE,
    SIDE,
    SIDE_LOGIT,
    STRIDE,
    finder_network,
    standardised,
)
from src.services.tensorflow_runtime import keras, tf
from training.finder.labels import LabelledPhoto
from training.finder.scenes import Scene, draw_scene

Floats32 = npt.NDArray[np.float32]

# What `targets` adds behind the outputs: how much each place counts.
_POSITIVE, _NEGATIVE, _HAS_SIDE, _HAS_IRIS = OUTPUTS, OUTPUTS + 1, OUTPUTS + 2, OUTPUTS + 3
TARGETS = OUTPUTS + 4

_LEAST_SCORE = 0.02
"""A place without an eye is one eye in fifty at the beginning."""


def targets_of(scene: Scene) -> Floats32:
    """What the network should say at each place, PLACES x PLACES x TARGETS."""
    targets = np.zeros((PLACES, PLACES, TARGETS), np.float32)
    targets[..., _NEGATIVE] = 1
    ys, xs = np.mgrid[0:PLACES, 0:PLACES] * STRIDE + STRIDE / 2
    nearest = np.full((PLACES, PLACES), np.inf)
    for eye in scene.eyes:
        width = max(eye.width, 4.0)
        cos, sin = np.cos(eye.angle), np.sin(eye.angle)
        away_x, away_y = xs - eye.centre[0], ys - eye.centre[1]
        along, over = (cos * away_x + sin * away_y) / width, (-sin * away_x + cos * away_y) / width
        if eye.uncertain:
            reach = max(1.0, STRIDE / width)
            targets[(np.abs(along) < 0.75 * reach) & (np.abs(over) < max(0.5, 0.75 * STRIDE / width)), _NEGATIVE] = 0
            continue
        distance = np.hypot(along, over)
        spread = max(0.12, 0.45 * STRIDE / width)
        heat = np.exp(-((distance / spread) ** 2) / 2)
        row, column = np.unravel_index(int(np.argmin(distance)), distance.shape)
        heat[row, column] = 1
        targets[..., SCORE] = np.maximum(targets[..., SCORE], heat)
        own = ((heat > 0.3) | (distance < 0.2)) & (distance < nearest)
        nearest = np.where(own, distance, nearest)
        places = np.stack([xs[own], ys[own]], axis=1)
        targets[own, LOG_WIDTH] = np.log(width / SIDE)
        targets[own, OUTLINE] = ((eye.outline.reshape(1, 12) - np.tile(places, 6)) / width).astype(np.float32)
        targets[own, _POSITIVE] = 1
        targets[own, _HAS_SIDE] = eye.inner_on_left is not None
        targets[own, SIDE_LOGIT] = bool(eye.inner_on_left)
        targets[own, _HAS_IRIS] = eye.iris is not None
        targets[own, IRIS_LOGIT] = eye.iris is not None
        if eye.iris is not None:
            x, y, radius = eye.iris
            to_iris = np.concatenate(
                [(np.array([x, y]) - places) / width, np.full((len(places), 1), radius / width)], 1
            )
            targets[own, IRIS] = to_iris
    return targets


def loss_of(targets: Any, said: Any) -> Any:
    """CenterNet's focal loss of the scores, distances of points, and cross entropies of side and iris."""
    count = tf.reduce_sum(targets[..., _POSITIVE], axis=(1, 2)) + 1e-3
    # Only the peak is an eye's centre; the nearer to it, the less a high score is wrong.
    heat, logit = targets[..., SCORE], said[..., SCORE]
    probability = tf.sigmoid(logit)
    peak = tf.cast(heat >= 0.999, tf.float32)
    found = peak * (1 - probability) ** 2 * tf.nn.softplus(-logit)
    false = (1 - peak) * (1 - heat) ** 4 * probability**2 * tf.nn.softplus(logit) * targets[..., _NEGATIVE]
    score_loss = tf.reduce_sum(found + false, axis=(1, 2)) / (tf.reduce_sum(peak, axis=(1, 2)) + 1.0)

    def over_eyes(losses: Any, weights: Any) -> Any:
        return tf.reduce_sum(losses * weights, axis=(1, 2)) / count

    positive = targets[..., _POSITIVE]
    points = tf.reduce_mean(_smooth(targets[..., OUTLINE] - said[..., OUTLINE]), axis=-1)
    iris = tf.reduce_mean(_smooth(targets[..., IRIS] - said[..., IRIS]), axis=-1)
    width = _smooth(targets[..., LOG_WIDTH] - said[..., LOG_WIDTH])
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits
    side = cross_entropy(targets[..., SIDE_LOGIT], said[..., SIDE_LOGIT])
    has_iris = cross_entropy(targets[..., IRIS_LOGIT], said[..., IRIS_LOGIT])
    return tf.reduce_mean(
        score_loss
        + over_eyes(3 * points + width + 0.2 * has_iris, positive)
        + over_eyes(1.5 * iris, positive * targets[..., _HAS_IRIS])
        + over_eyes(side, positive * targets[..., _HAS_SIDE])
    )


def _smooth(difference: Any) -> Any:
    """The absolute value, rounded at 0."""
    return tf.sqrt(difference**2 + 1e-4) - 1e-2


class Finder:
    """The network in training: convolutions with batch normalisation, which the service sees folded together."""

    def __init__(self, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self._layers: dict[str, tuple[Any, Any]] = {}
        picture = keras.Input((SIDE, SIDE, 1))
        self.model = keras.Model(picture, finder_network(picture, self._convolve))

    def _convolve(self, x: Any, name: str, filters: int, kernel: int, stride: int, rectified: bool) -> Any:
        is_last = name == "outputs"
        bias = keras.initializers.Constant(_first_biases()) if is_last else "zeros"
        convolution = keras.layers.Conv2D(
            filters,
            kernel,
            strides=stride,
            padding="same",
            use_bias=is_last,
            bias_initializer=bias,
            name=name,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01) if is_last else "he_normal",
        )
        x = convolution(x)
        if is_last:
            self._layers[name] = convolution, None
            return x
        normalisation = keras.layers.BatchNormalization(momentum=0.97, name=f"{name}_norm")
        self._layers[name] = convolution, normalisation
        x = normalisation(x)
        return tf.nn.relu(x) if rectified else x

    def folded(self) -> dict[str, npt.NDArray[np.float16]]:
        """Weights and biases of each convolution, its normalisation folded in, as the service reads them."""
        arrays = {}
        for name, (convolution, normalisation) in self._layers.items():
            weights = convolution.kernel.numpy()
            if normalisation is None:
                bias = convolution.bias.numpy()
            else:
                gamma, beta, mean, variance = (value.numpy() for value in normalisation.weights)
                factor = gamma / np.sqrt(variance + normalisation.epsilon)
                weights, bias = weights * factor, beta - mean * factor
            arrays[f"{name}/weights"], arrays[f"{name}/bias"] = weights.astype(np.float16), bias.astype(np.float16)
        return arrays


def _first_biases() -> Floats32:
    biases = np.zeros(OUTPUTS, np.float32)
    biases[SCORE] = np.log(_LEAST_SCORE / (1 - _LEAST_SCORE))
    biases[LOG_WIDTH] = np.log(0.4)
    return biases


def fit(
    photos: Sequence[LabelledPhoto],
    weights: npt.NDArray[np.float64],
    *,
    steps: int,
    batch: int,
    seed: int,
    checkpoints: Path,
    learning_rate: float = 2e-3,
    average_decay: float = 0.998,
    on_step: Callable[[float], object] = lambda _loss: None,
) -> Finder:
    """A finder after so many batches; `weights` are the probabilities with which photos are drawn.

    Goes on where an interrupted run left off in `checkpoints`. What is kept is the average of the weights.
    """
    finder = Finder(seed)
    model = finder.model
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    optimizer = keras.optimizers.Adam(rate, clipnorm=5.0)
    optimizer.build(model.trainable_variables)
    averages = [tf.Variable(value, trainable=False) for value in model.weights]
    done = tf.Variable(0, dtype=tf.int64, trainable=False)
    saved = tf.train.Checkpoint(model=model, optimizer=optimizer, averages=averages, done=done)
    manager = tf.train.CheckpointManager(saved, str(checkpoints), max_to_keep=1)
    saved.restore(manager.latest_checkpoint)

    def one_step(pictures: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(targets, model(pictures, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        # Few steps have been made at the beginning, so that little is worth keeping.
        decay = tf.minimum(average_decay, (1.0 + tf.cast(done, tf.float32)) / (10.0 + tf.cast(done, tf.float32)))
        for average, value in zip(averages, model.weights, strict=True):
            average.assign(decay * average + (1 - decay) * value)
        done.assign_add(1)
        return loss

    step = tf.function(one_step)
    for pictures, targets in _batches(photos, weights, batch, int(done), steps, seed):
        on_step(float(step(pictures, targets)))
        if int(done) % 250 == 0:
            manager.save()
    for average, value in zip(averages, model.weights, strict=True):
        value.assign(average)
    return finder


def _batches(
    photos: Sequence[LabelledPhoto], weights: npt.NDArray[np.float64], batch: int, begin: int, steps: int, seed: int
) -> Any:
    def draw(number: int) -> tuple[Floats32, Floats32]:
        rng = np.random.default_rng([seed, int(number)])
        chosen = rng.choice(len(photos), size=batch, p=weights)
        scenes = [draw_scene(photos[index], rng) for index in chosen]
        pictures = np.stack([standardised(scene.grey, scene.inside) for scene in scenes])
        return pictures, np.stack([targets_of(scene) for scene in scenes])

    def shaped(number: Any) -> tuple[Any, Any]:
        pictures, targets = tf.numpy_function(draw, [number], [tf.float32, tf.float32])
        pictures.set_shape((batch, SIDE, SIDE, 1))
        targets.set_shape((batch, PLACES, PLACES, TARGETS))
        return pictures, targets

    return tf.data.Dataset.range(begin, steps).map(shaped, num_parallel_calls=2).prefetch(4)
