"""Grad-CAM: where in a crop the evidence for a class is.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based localization", ICCV 2017. The
gradient is that of the class logit: a saturated softmax has no gradient left to show.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from src.core.types import Heatmap
from src.services.tensorflow_runtime import tf

# Single precision carries about seven digits: a map whose range, absolute or next to its values, is below this shows
# rounding.
_FLAT = 1e-6


def class_activation_maps(activations: Any, logits: Any) -> Any:
    """One map per class, inside a graph that has computed both tensors already: no second forward pass.

    Args:
        activations: tensor, batch x height x width x channels, of the chosen layer.
        logits: tensor, batch x classes, computed from `activations`.

    Returns:
        tensor, batch x classes x height x width, 0 or more, not scaled.

    Raises:
        ValueError: the logits do not depend on the activations.
    """
    maps = []
    for index in range(logits.shape[1]):
        (gradients,) = tf.gradients(logits[:, index], activations)
        if gradients is None:
            raise ValueError("the logits do not depend on this layer")
        channel_weights = tf.reduce_mean(gradients, axis=[1, 2])
        maps.append(tf.nn.relu(tf.einsum("bhwc,bc->bhw", activations, channel_weights)))
    return tf.stack(maps, axis=1)


def scale_heatmap(raw: np.ndarray[Any, np.dtype[np.float32]]) -> Heatmap | None:
    """The map divided by its maximum; None where it is flat and therefore shows nothing.

    Args:
        raw: height x width, 0 or more.
    """
    smallest, largest = float(raw.min()), float(raw.max())
    if not np.isfinite(largest) or largest - smallest < _FLAT * max(1.0, largest):
        return None
    return np.asarray(raw / largest, dtype=np.float32)
