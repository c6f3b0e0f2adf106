"""Fits the network to views of the samples, from one layer of its backbone on, and its heatmaps to the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import keras, tf
from training.learning.localisation import class_maps, localisation_loss
from training.learning.network import (
    CLASSES,
    GRAD_CAM_LAYER,
    HEAD_LAYERS,
    HIDDEN_LAYER,
    SCORE_LAYER,
    layers_behind,
)
from training.learning.rendering import RenderedSet
from training.learning.training_set import TrainingSet

_CHECKPOINT_EVERY = 100


@dataclass(frozen=True, slots=True)
class FitRecipe:
    """How deep, how long and how fast.

    Attributes:
        frozen_up_to: the layer of the backbone behind which all convolutions learn.
        views: samples drawn and augmented, see `make_views`, for all models.
        head_steps: batches on which only the new layers behind the backbone learn.
        steps: batches after these, on which the backbone's last blocks learn as well.
        batch: samples in each.
        learning_rate: Adam's for the new layers; falls along a cosine.
        backbone_learning_rate: the same for the backbone.
        label_smoothing: keeps scores away from 0 and 1, and wrong labels from being learnt by heart.
        place_weight: of the loss that asks for heatmaps in the right place.
        average_decay: per step, of the moving average of the weights, which is what is kept in the end.
    """

    frozen_up_to: str = "pool3_pool"
    views: int = 20_480
    head_steps: int = 30
    steps: int = 870
    batch: int = 32
    learning_rate: float = 1e-3
    backbone_learning_rate: float = 3e-4
    label_smoothing: float = 0.05
    place_weight: float = 0.3
    average_decay: float = 0.98

    @property
    def all_steps(self) -> int:
        return self.head_steps + self.steps


class Fitting:
    """A network that begins with the weights it has, and what it takes to fit it."""

    def __init__(self, network: Any, recipe: FitRecipe, seed: int, loss_scale: float = 1.0) -> None:
        """For `loss_scale` see `enable_mixed_precision`."""
        self._network = network
        self._recipe = recipe
        self._seed = seed
        self._loss_scale = loss_scale
        backbone = network.get_layer("densenet121")
        learning = layers_behind(backbone, recipe.frozen_up_to)
        # Statistics of normalisations come from far more pictures than there are here, and stay as they are.
        for layer in learning:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.trainable = False
                layer.call = partial(_normalised, layer)
        self._head = [weight for name in HEAD_LAYERS for weight in network.get_layer(name).trainable_variables]
        self._block = [weight for layer in learning for weight in layer.trainable_variables]
        self._head_optimizer = _optimizer(recipe.learning_rate, recipe)
        self._block_optimizer = _optimizer(recipe.backbone_learning_rate, recipe)
        self._head_optimizer.build(self._head)
        self._block_optimizer.build(self._block)
        self._steps_done = tf.Variable(0, dtype=tf.int64, trainable=False)
        behind = keras.Model(backbone.get_layer(recipe.frozen_up_to).output, backbone.output)
        outputs = [network.get_layer(name).output for name in (GRAD_CAM_LAYER, HIDDEN_LAYER, SCORE_LAYER)]
        head = keras.Model(network.get_layer("global_average_pooling2d").input, outputs)
        self._outputs = keras.Model(behind.input, head(behind.output))
        self._loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        self._train_head = tf.function(lambda *batch: self._step(batch, with_block=False))
        self._train_all = tf.function(lambda *batch: self._step(batch, with_block=True))

    def run(
        self,
        training_set: TrainingSet,
        weights: npt.NDArray[np.float64],
        checkpoint_folder: Path | None = None,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        """Fits the network; `weights` are the samples' probabilities to be drawn (n), summing to 1.

        An interrupted run goes on from the state in `checkpoint_folder`; its dropout then differs.
        """
        manager = self._restore(checkpoint_folder, on_step)
        done = int(self._steps_done)
        for batch in training_set.batches(weights, self._recipe.batch, self._recipe.all_steps, self._seed, done):
            done += 1
            train = self._train_head if done <= self._recipe.head_steps else self._train_all
            train(*batch)
            self._steps_done.assign(done)
            on_step()
            if manager is not None and done % _CHECKPOINT_EVERY == 0:
                manager.save()
        if self._recipe.average_decay > 0:
            self._head_optimizer.finalize_variable_values(self._head)
            if self._recipe.steps:
                self._block_optimizer.finalize_variable_values(self._block)

    def _step(self, batch: Any, with_block: bool) -> None:
        features, targets, evidence = batch
        variables = self._head + self._block if with_block else self._head
        with tf.GradientTape() as tape:
            activations, hidden, scores = self._outputs(features, training=True)
            kernels = (self._network.get_layer(name).kernel for name in (HIDDEN_LAYER, SCORE_LAYER))
            maps = class_maps(activations, hidden, *kernels)
            misplaced = localisation_loss(maps, targets, evidence)
            loss = self._loss(targets, scores) + self._recipe.place_weight * misplaced
            loss = (loss + tf.add_n(self._network.losses)) * self._loss_scale
        gradients = [gradient / self._loss_scale for gradient in tape.gradient(loss, variables)]
        if self._loss_scale > 1:
            # Where a scaled gradient overflowed, only the momentum of earlier steps moves the weights.
            finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(gradient)) for gradient in gradients])
            gradients = [tf.where(finite, gradient, tf.zeros_like(gradient)) for gradient in gradients]
        self._head_optimizer.apply_gradients(zip(gradients[: len(self._head)], self._head, strict=True))
        if with_block:
            self._block_optimizer.apply_gradients(zip(gradients[len(self._head) :], self._block, strict=True))

    def _restore(self, folder: Path | None, on_step: Callable[[], None]) -> Any:
        if folder is None:
            return None
        state = tf.train.Checkpoint(
            network=self._network, head=self._head_optimizer, block=self._block_optimizer, steps_done=self._steps_done
        )
        manager = tf.train.CheckpointManager(state, str(folder), max_to_keep=1)
        if manager.latest_checkpoint:
            state.restore(manager.latest_checkpoint).assert_consumed()
            for _ in range(int(self._steps_done)):
                on_step()
        return manager


def _normalised(layer: Any, values: Any, training: bool | None = None) -> Any:
    """What a frozen normalisation gives, as one product: Keras would compute gradients of its statistics, too."""
    del training
    scale = tf.stop_gradient(layer.gamma * tf.math.rsqrt(layer.moving_variance + layer.epsilon))
    return values * scale + (tf.stop_gradient(layer.beta) - layer.moving_mean * scale)


def _optimizer(learning_rate: float, recipe: FitRecipe) -> Any:
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, recipe.all_steps)
    averaged = recipe.average_decay > 0
    return keras.optimizers.Adam(
        schedule,
        use_ema=averaged,
        ema_momentum=recipe.average_decay if averaged else 0.99,
        # On a GPU Keras would compile it with XLA, which needs CUDA's compiler; run-time images have none.
        jit_compile=False,
    )


def predict(
    network: Any, rendered: RenderedSet, indices: npt.NDArray[np.int64], batch: int = 32
) -> npt.NDArray[np.float32]:
    """Probabilities of the samples at `indices`, as they were rendered, float32 (len(indices), classes)."""
    said = np.zeros((len(indices), len(CLASSES)), dtype=np.float32)
    for start in range(0, len(indices), batch):
        pictures = rendered.pictures[indices[start : start + batch]].astype(np.float32) / 255
        said[start : start + batch] = network.predict_on_batch(pictures)
    return said
