"""What a heatmap should show: the loss that asks for evidence in its place, and for that of one class only."""

from __future__ import annotations

from typing import Any

from src.services.tensorflow_runtime import tf

_LEAST_DEVIATION = 1e-3
_LEAST_EVIDENCE = 0.05
"""Covered places, summed over the map, from which the evidence of a sample counts as known."""


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
