"""Scores and Grad-CAM maps from the output of the Grad-CAM layer alone, in NumPy.

Behind that layer come an average over all places, a dense layer with ReLU, and a dense layer: for a place p and a
channel c, with A the layer's output, n its places, h = W1' mean(A) + b1 and logit_k = W2_k' relu(h) + b2_k,

    d logit_k / d A[p, c] = sum over j of W2[j, k] * [h_j > 0] * W1[c, j] / n

which is the same at every place. Grad-CAM's channel weights are the means of that over the places, so they are that
itself, and no backward pass is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from src.core.types import Heatmap, Probabilities

_Floats = npt.NDArray[np.float32]

# As the service draws the line between a map and rounding.
_FLAT = 1e-6


@dataclass(frozen=True, slots=True)
class Head:
    """The two dense layers behind the Grad-CAM layer.

    Attributes:
        hidden_kernel: channels x units.
        hidden_bias: units.
        last_kernel: units x classes.
        last_bias: classes.
    """

    hidden_kernel: _Floats
    hidden_bias: _Floats
    last_kernel: _Floats
    last_bias: _Floats

    @classmethod
    def load(cls, file: Path) -> Head:
        with np.load(file, allow_pickle=False) as arrays:
            return cls(**{name: np.asarray(arrays[name], np.float32) for name in cls.__slots__})

    def logits_and_maps(self, activations: _Floats) -> tuple[_Floats, _Floats]:
        """
        Args:
            activations: batch x height x width x channels.

        Returns:
            logits, batch x classes; maps of all classes, batch x classes x height x width, 0 or more, not scaled.
        """
        batch, height, width, channels = activations.shape
        before_relu = activations.mean(axis=(1, 2)) @ self.hidden_kernel + self.hidden_bias
        logits = np.maximum(before_relu, 0) @ self.last_kernel + self.last_bias
        # batch x classes x units, then batch x classes x channels.
        through_relu = (before_relu > 0)[:, np.newaxis] * self.last_kernel.T[np.newaxis]
        weights = through_relu @ self.hidden_kernel.T / (height * width)
        places = activations.reshape(batch, height * width, channels)
        maps = np.maximum(weights @ places.transpose(0, 2, 1), 0)
        return np.asarray(logits), np.asarray(maps.reshape(batch, -1, height, width))


def softmax(logits: _Floats, temperature: float) -> Probabilities:
    """Probabilities, batch x classes, of logits divided by the temperature."""
    scaled = logits / np.float32(temperature)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def scaled_map(raw: np.ndarray[Any, np.dtype[np.float32]]) -> Heatmap | None:
    """The map divided by its maximum; None where it is flat."""
    largest = float(raw.max())
    if largest - float(raw.min()) < _FLAT * max(1.0, largest):
        return None
    return np.asarray(raw / largest, np.float32)
