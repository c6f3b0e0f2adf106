"""Fits the trainable part of the network to stored features, and its heatmaps to where the evidence is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import keras, tf
from training.learning.network import (
    CLASSES,
    GRAD_CAM_LAYER,
    HEAD_LAYERS,
    HIDDEN_LAYER,
    SCORE_LAYER,
    build_trainable_part,
)
from training.learning.training_set import TrainingSet

_CHECKPOINT_EVERY = 100
_LEAST_DEVIATION = 1e-3
_LEAST_EVIDENCE = 0.05
"""Covered places, summed over the map, from which the evidence of a sample counts as known."""


@dataclass(frozen=True, slots=True)
class FitRecipe:
    """How long and how fast.

    Attributes:
        head_steps: batches on which only the new layers behind the backbone learn.
        steps: batches after these, on which the backbone's last block learns as well.
        batch: samples in each.
        learning_rate: Adam's for the new layers; falls along a cosine.
        backbone_learning_rate: the same for the backbone's last block.
        label_smoothing: keeps scores away from 0 and 1, and wrong labels from being learnt by heart.
        place_weight: of the loss that asks for heatmaps in the right place.
        average_decay: per step, of the moving average of the weights, which is what is kept in the end; not so after
            a fit that stopped early.
        patience: evaluations (one every `evaluate_every` steps) without a smaller loss on the samples kept aside after
            which the fit ends with the best weights; 0 runs all steps. Needs samples kept aside.
    """

    head_steps: int = 50
    steps: int = 500
    batch: int = 64
    learning_rate: float = 1e-3
    backbone_learning_rate: float = 1e-3
    label_smoothing: float = 0.1
    place_weight: float = 0.3
    average_decay: float = 0.98
    patience: int = 0
    evaluate_every: int = 50

    @property
    def all_steps(self) -> int:
        return self.head_steps + self.steps


class Fitting:
    """One trainable part that begins with the weights of a backbone, and what it takes to fit it."""

    def __init__(self, backbone: Any, recipe: FitRecipe, seed: int, loss_scale: float = 1.0) -> None:
        """The backbone stays as it is; for `loss_scale` see `enable_mixed_precision`."""
        keras.utils.set_random_seed(seed)
        self.part = build_trainable_part(backbone)
        self._recipe = recipe
        self._seed = seed
        self._loss_scale = loss_scale
        self._head = [weight for name in HEAD_LAYERS for weight in self.part.get_layer(name).trainable_variables]
        of_head = {id(variable) for variable in self._head}
        self._block = [variable for variable in self.part.trainable_variables if id(variable) not in of_head]
        self._head_optimizer = _optimizer(recipe.learning_rate, recipe)
        self._block_optimizer = _optimizer(recipe.backbone_learning_rate, recipe)
        self._head_optimizer.build(self._head)
        self._block_optimizer.build(self._block)
        self._steps_done = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._outputs = keras.Model(
            self.part.input,
            [self.part.get_layer(name).output for name in (GRAD_CAM_LAYER, HIDDEN_LAYER, SCORE_LAYER)],
        )
        self._loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
        self._train_head = tf.function(lambda *batch: self._step(batch, with_block=False))
        self._train_all = tf.function(lambda *batch: self._step(batch, with_block=True))

    def run(
        self,
        training_set: TrainingSet,
        weights: npt.NDArray[np.float64],
        kept_aside: npt.NDArray[np.int64] | None = None,
        checkpoint_folder: Path | None = None,
        on_step: Callable[[], None] = lambda: None,
    ) -> Any:
        """Fits and returns the part; `weights` are the samples' probabilities to be drawn (n), summing to 1.

        The loss on the samples `kept_aside`, with weight 0, decides on stopping early. An interrupted run goes on from
        the state in `checkpoint_folder`; its dropout then differs, and its patience begins anew.
        """
        manager = self._restore(checkpoint_folder, on_step)
        stopping = _EarlyStopping(self._recipe.patience)
        done = int(self._steps_done)
        for batch in training_set.batches(weights, self._recipe.batch, self._recipe.all_steps, self._seed, done):
            done += 1
            train = self._train_head if done <= self._recipe.head_steps else self._train_all
            train(*batch)
            self._steps_done.assign(done)
            on_step()
            if manager is not None and done % _CHECKPOINT_EVERY == 0:
                manager.save()
            is_due = self._recipe.patience > 0 and done % self._recipe.evaluate_every == 0
            if is_due and kept_aside is not None:
                loss = self._loss_on(training_set, kept_aside)
                if stopping.has_seen_enough(loss, self.part):
                    break
        if stopping.best_weights is not None:
            self.part.set_weights(stopping.best_weights)
        else:
            self._head_optimizer.finalize_variable_values(self._head)
            if self._recipe.steps:
                self._block_optimizer.finalize_variable_values(self._block)
        return self.part

    def _step(self, batch: Any, with_block: bool) -> None:
        values, targets, evidence = batch
        variables = self._head + self._block if with_block else self._head
        with tf.GradientTape() as tape:
            activations, hidden, scores = self._outputs(values, training=True)
            kernels = (self.part.get_layer(name).kernel for name in (HIDDEN_LAYER, SCORE_LAYER))
            maps = class_maps(activations, hidden, *kernels)
            misplaced = localisation_loss(maps, targets, evidence)
            loss = self._loss(targets, scores) + self._recipe.place_weight * misplaced
            loss = (loss + tf.add_n(self.part.losses)) * self._loss_scale
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
            part=self.part, head=self._head_optimizer, block=self._block_optimizer, steps_done=self._steps_done
        )
        manager = tf.train.CheckpointManager(state, str(folder), max_to_keep=1)
        if manager.latest_checkpoint:
            state.restore(manager.latest_checkpoint).assert_consumed()
            for _ in range(int(self._steps_done)):
                on_step()
        return manager

    def _loss_on(self, training_set: TrainingSet, indices: npt.NDArray[np.int64]) -> float:
        said = predict(self.part, training_set.values, indices)
        targets = np.eye(len(CLASSES), dtype=np.float32)[training_set.labels[indices]]
        return float(self._loss(targets, said))


class _EarlyStopping:
    def __init__(self, patience: int) -> None:
        self._patience = patience
        self._least = float("inf")
        self._in_vain = 0
        self.best_weights: list[npt.NDArray[np.float32]] | None = None

    def has_seen_enough(self, loss: float, part: Any) -> bool:
        if loss < self._least:
            self._least, self._in_vain, self.best_weights = loss, 0, part.get_weights()
        else:
            self._in_vain += 1
        return self._in_vain >= self._patience


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
    part: Any, values: npt.NDArray[np.float16], indices: npt.NDArray[np.int64], batch: int = 128
) -> npt.NDArray[np.float32]:
    """Probabilities of the samples at `indices`, float32 (len(indices), classes)."""
    said = np.zeros((len(indices), len(CLASSES)), dtype=np.float32)
    for start in range(0, len(indices), batch):
        rows = indices[start : start + batch]
        said[start : start + batch] = part.predict_on_batch(values[rows].astype(np.float32))
    return said


def class_maps(activations: Any, hidden: Any, hidden_kernel: Any, score_kernel: Any) -> Any:
    """Grad-CAM of each class before its ReLU, in closed form: the layers behind the activations are a mean over places,
    a dense layer with a ReLU (`hidden`: n x units, after it), and a dense layer.

    From `activations` of n x height x width x channels to maps of n x height x width x classes.
    """
    open_units = tf.cast(hidden > 0, activations.dtype)
    of_units = tf.einsum("nhwc,cu->nhwu", activations, hidden_kernel) * open_units[:, tf.newaxis, tf.newaxis, :]
    return tf.einsum("nhwu,uk->nhwk", of_units, score_kernel)


def localisation_loss(maps: Any, targets: Any, evidence: Any) -> Any:
    """How much the maps say of other places and of other classes than they should; mean over the samples whose evidence
    is known, 0 if there is none.

    Without it a network may tell a stye by anything that comes with it, from anywhere in the picture, and its heatmap
    is of no use. Related: Ross et al., "Right for the right reasons", IJCAI 2017, which penalises wrong places; this
    one rewards the right ones.

    It is the cross-entropy of the target's map, as a distribution over places, against the evidence, and the heat of
    the other classes' maps where the evidence is: what speaks for one class speaks for no other. Maps are n x height x
    width x classes, of any sign, targets one-hot, the evidence n x height x width, 0-1, all 0 where it is not known.
    """
    places, classes = maps.shape[1] * maps.shape[2], maps.shape[3]
    maps, evidence = tf.reshape(maps, [-1, places, classes]), tf.reshape(evidence, [-1, places])
    covered = tf.reduce_sum(evidence, axis=1, keepdims=True)
    wanted = tf.math.divide_no_nan(evidence, covered)
    own = tf.einsum("npk,nk->np", maps, targets)
    # Divided by its own deviation, which gets no gradient, so that the loss moves heat and does not just raise it.
    deviation = tf.stop_gradient(tf.math.reduce_std(own, axis=1, keepdims=True)) + _LEAST_DEVIATION
    misplaced = -tf.reduce_sum(wanted * tf.nn.log_softmax(own / deviation), axis=1)
    heat_of_others = tf.nn.relu(maps) * (1 - targets)[:, tf.newaxis, :] / deviation[:, :, tf.newaxis]
    shared = tf.einsum("npk,np->n", heat_of_others, wanted) / (classes - 1)
    known = tf.cast(covered[:, 0] >= _LEAST_EVIDENCE, maps.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum((misplaced + shared) * known), tf.reduce_sum(known))
