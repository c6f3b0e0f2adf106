"""A loss that asks for the right place: the heatmap of a sample's class should lie where its evidence is.

Without it a network may tell a stye by anything that comes with it, from anywhere in the picture, and its heatmap is of
no use. Related: Ross et al., "Right for the right reasons", IJCAI 2017, which penalises wrong places; this one rewards
the right ones.
"""

from __future__ import annotations

from typing import Any

from src.services.tensorflow_runtime import tf

_LEAST_DEVIATION = 1e-3
_LEAST_EVIDENCE = 0.05
"""Covered places, summed over the map, from which the evidence of a sample counts as known."""


def class_maps(activations: Any, hidden: Any, hidden_kernel: Any, score_kernel: Any, targets: Any) -> Any:
    """Grad-CAM of each sample's target before its ReLU, in closed form: the layers behind the activations are a mean
    over places, a dense layer with a ReLU, and a dense layer.

    Args:
        activations: n x height x width x channels.
        hidden: n x units, after the ReLU.
        hidden_kernel: channels x units.
        score_kernel: units x classes.
        targets: n x classes, one-hot.

    Returns:
        n x height x width.
    """
    open_units = tf.cast(hidden > 0, activations.dtype)
    unit_weights = tf.matmul(targets, score_kernel, transpose_b=True) * open_units
    channel_weights = tf.matmul(unit_weights, hidden_kernel, transpose_b=True)
    return tf.einsum("nhwc,nc->nhw", activations, channel_weights)


def localisation_loss(maps: Any, evidence: Any) -> Any:
    """Cross-entropy of the map, as a distribution over places, against the evidence; mean over the samples that have
    any, 0 if none has.

    Args:
        maps: n x height x width, of any sign.
        evidence: n x height x width, 0-1; all 0 where the place is not known.
    """
    places = maps.shape[1] * maps.shape[2]
    maps, evidence = tf.reshape(maps, [-1, places]), tf.reshape(evidence, [-1, places])
    covered = tf.reduce_sum(evidence, axis=1, keepdims=True)
    # Divided by its own deviation, which gets no gradient, so that the loss moves heat and does not just raise it.
    deviation = tf.stop_gradient(tf.math.reduce_std(maps, axis=1, keepdims=True)) + _LEAST_DEVIATION
    per_sample = -tf.reduce_sum(tf.math.divide_no_nan(evidence, covered) * tf.nn.log_softmax(maps / deviation), axis=1)
    known = tf.cast(covered[:, 0] >= _LEAST_EVIDENCE, maps.dtype)
    return tf.math.divide_no_nan(tf.reduce_sum(per_sample * known), tf.reduce_sum(known))
