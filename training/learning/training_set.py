"""The samples as the fit draws them: a tf.data pipeline over stored features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from src.services.tensorflow_runtime import tf
from training.learning.network import CLASSES, CUT_SHAPE


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """
    Attributes:
        values: float16 (n, 7, 7, 512), outputs of the frozen part.
        labels: class indices (n).
        evidence: float16 (n, 7, 7), where the heatmap of the label should lie; all 0 where that is not known.
    """

    values: npt.NDArray[np.float16]
    labels: npt.NDArray[np.int64]
    evidence: npt.NDArray[np.float16]

    def batches(
        self, weights: npt.NDArray[np.float64], batch: int, steps: int, seed: int, skip: int = 0
    ) -> Iterator[Any]:
        """`steps` batches of (values, one-hot targets, evidence), all float32, read while the one before is learnt.

        Args:
            weights: probability of each sample to be drawn (n), summing to 1.
            batch: samples in each.
            steps: how many there are in all.
            seed: the same seed gives the same batches.
            skip: how many of them were used before.
        """
        draws = np.random.default_rng(seed).choice(len(weights), size=(steps, batch), p=weights)
        rows = tf.data.Dataset.from_tensor_slices(draws[skip:])
        return iter(rows.map(self._read).prefetch(2))

    def _read(self, rows: Any) -> tuple[Any, Any, Any]:
        values, targets, evidence = tf.numpy_function(self._take, [rows], [tf.float32] * 3)
        values.set_shape((rows.shape[0], *CUT_SHAPE))
        targets.set_shape((rows.shape[0], len(CLASSES)))
        evidence.set_shape((rows.shape[0], *CUT_SHAPE[:2]))
        return values, targets, evidence

    def _take(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float32], ...]:
        targets = np.eye(len(CLASSES), dtype=np.float32)[self.labels[rows]]
        return self.values[rows].astype(np.float32), targets, self.evidence[rows].astype(np.float32)
