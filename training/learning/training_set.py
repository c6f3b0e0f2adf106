"""The samples as the fit draws them: a tf.data pipeline over views of them, and how often each is shown, so that no
class, origin or much copied picture outweighs the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import tf
from training.data.pictures import LabelledPicture
from training.learning.network import CLASSES, MAP_SIDE
from training.learning.samples import Sample, SampleKind
from training.learning.views import ViewSet

CLASS_SHARES = {"Cataract": 0.23, "Conjunctivitis": 0.25, "Healthy": 0.3, "Stye": 0.22}
"""Of the samples shown. With more styes the network sees them everywhere; with fewer it misses the real ones."""

REAL_STYE_SHARE = 0.15
"""Of the styes shown; the rest is painted. The real ones are so few that they are soon known by heart."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Views of the rendered samples, and the class index of each sample (n)."""

    views: ViewSet
    labels: npt.NDArray[np.int64]

    def batches(
        self, weights: npt.NDArray[np.float64], batch: int, steps: int, seed: int, skip: int = 0
    ) -> Iterator[Any]:
        """`steps` batches of (features, one-hot targets, evidence), all float32, read while the one before is learnt.

        `weights` are the samples' (n): the views of a sample share its weight, and a sample without views is passed
        over. The same seed gives the same batches, of which `skip` were used before.
        """
        rows = self.views.rows
        chances = (weights / np.maximum(1, np.bincount(rows, minlength=len(weights))))[rows]
        draws = np.random.default_rng(seed).choice(len(rows), size=(steps, batch), p=chances / chances.sum())

        def read(step: int) -> tuple[npt.NDArray[np.float32], ...]:
            features, evidence = self.views.at(draws[step])
            return features, np.eye(len(CLASSES), dtype=np.float32)[self.labels[rows[draws[step]]]], evidence

        def tensors(step: Any) -> tuple[Any, ...]:
            made = tf.numpy_function(read, [step], [tf.float32] * 3)
            for tensor, shape in zip(made, (feature_shape, (len(CLASSES),), (MAP_SIDE, MAP_SIDE)), strict=True):
                tensor.set_shape((batch, *shape))
            return tuple(made)

        feature_shape = self.views.features[0].shape[1:]
        return iter(tf.data.Dataset.range(skip, steps).map(tensors, num_parallel_calls=2).prefetch(2))


def sampling_weights(
    samples: Sequence[Sample], pictures: Sequence[LabelledPicture], chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The probability with which each sample is drawn; 0 for those not chosen.

    Within a class (and kind of stye) each origin counts with the square root of its number of groups, each group of an
    origin alike, each sample of a group alike.
    """
    keys = [
        (sample.label, sample.kind is SampleKind.PAINTED_STYE, pictures[sample.picture].origin) for sample in samples
    ]
    groups = [(key, pictures[sample.picture].group) for key, sample in zip(keys, samples, strict=True)]
    indices = np.flatnonzero(chosen)
    samples_per_group = Counter(groups[index] for index in indices)
    groups_per_key = Counter(key for key, _ in samples_per_group)

    weights = np.zeros(len(samples))
    for index in indices:
        weights[index] = 1 / (np.sqrt(groups_per_key[keys[index]]) * samples_per_group[groups[index]])

    painted = np.array([key[1] for key in keys])
    labels = np.array([sample.label for sample in samples])
    for label, name in enumerate(CLASSES):
        members = labels == label
        if name == "Stye":
            _scale_to(weights, members & painted, 1 - REAL_STYE_SHARE)
            _scale_to(weights, members & ~painted, REAL_STYE_SHARE)
        _scale_to(weights, members, CLASS_SHARES[name])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _scale_to(weights: npt.NDArray[np.float64], members: npt.NDArray[np.bool_], share: float) -> None:
    total = weights[members].sum()
    if total > 0:
        weights[members] *= share / total
