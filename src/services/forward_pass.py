"""One pass through the network, compiled: scores, heatmaps of all classes, and what the checks of the card look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from src.core.errors import StartupError
from src.services.grad_cam import class_activation_maps
from src.services.model_file import OtherConditionHead
from src.services.tensorflow_runtime import keras, tf


class DescribedLayerError(Exception):
    """What the familiarity check asks for is not in the model; `str(error)` says what, without the card's name."""


class HeadError(Exception):
    """A head does not fit the model; `str(error)` says how, without the card's name."""


def compile_forward_pass(
    model: Any,
    grad_cam_layer: str,
    side: int,
    temperature: float = 1.0,
    described_layer: str | None = None,
    other_condition: OtherConditionHead | None = None,
) -> Any:
    """A graph function of a batch of pictures, uint8 (n, side, side, 3), in which every layer runs once.

    Args:
        model: ends in a softmax.
        grad_cam_layer: of `model`, with 4-D output.
        side: of the model's input, in pixels.
        temperature: by which the logits are divided before the softmax, above 0.
        described_layer: layer with 4-D output; `outer/inner` for a layer of a model within the model.
        other_condition: a head on the means of `grad_cam_layer`.

    Returns:
        function to a tuple of tensors: probabilities (n, classes), maps (n, classes, height, width), with
        `described_layer` descriptors (n, 2 x channels): of each channel the mean over all places, then of each the
        standard deviation; and with `other_condition` its probabilities (n).

    Raises:
        StartupError: the model does not end in a softmax, or `grad_cam_layer` does not fit.
        DescribedLayerError: `described_layer` does not fit.
        HeadError: `other_condition` does not fit.
    """
    activations_output = _activations_output(model, grad_cam_layer)
    last = model.layers[-1]
    two_outputs = keras.Model(model.inputs, [activations_output, last.input])
    described = None if described_layer is None else _find_layer(model, described_layer)

    def forward(batch: Any) -> tuple[Any, ...]:
        with _recorded_outputs(described) as outputs:
            activations, features = two_outputs(tf.cast(batch, tf.float32) / 255.0, training=False)
        logits = _logits(last, features)
        try:
            maps = class_activation_maps(activations, logits)
        except ValueError as error:
            raise StartupError(f"GRAD_CAM_LAYER is wrong: {grad_cam_layer}: {error}.") from None
        probabilities = tf.nn.softmax(logits / temperature)
        return (
            probabilities,
            maps,
            *([] if described is None else [_descriptors(described_layer, outputs)]),
            *([] if other_condition is None else [_probability_of(other_condition, activations)]),
        )

    signature = [tf.TensorSpec([None, side, side, 3], tf.uint8)]
    return tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()


@contextmanager
def _recorded_outputs(layer: Any) -> Iterator[list[Any]]:
    """What the layer computes while the block runs.

    A functional model names only tensors of its own level; an inner model's would have to be computed a second time.
    """
    outputs: list[Any] = []
    if layer is None:
        yield outputs
        return
    compute = layer.call

    def compute_and_record(*args: Any, **kwargs: Any) -> Any:
        outputs.append(compute(*args, **kwargs))
        return outputs[-1]

    layer.call = compute_and_record
    try:
        yield outputs
    finally:
        layer.call = compute


def _descriptors(name: str | None, outputs: list[Any]) -> Any:
    if len(outputs) != 1:
        raise DescribedLayerError(f"{name} runs {len(outputs)} times in a pass, not once")
    (output,) = outputs
    if not hasattr(output, "shape") or len(output.shape) != 4 or output.shape[3] is None:
        raise DescribedLayerError(f"the output of {name} is not of 4 dimensions")
    return tf.concat([tf.reduce_mean(output, axis=[1, 2]), tf.math.reduce_std(output, axis=[1, 2])], axis=1)


def _probability_of(head: OtherConditionHead, activations: Any) -> Any:
    if len(head.weights) != activations.shape[3]:
        raise HeadError(f"it has {len(head.weights)} weights, the layer {activations.shape[3]} channels")
    means = tf.reduce_mean(activations, axis=[1, 2])
    return tf.sigmoid(tf.linalg.matvec(means, tf.constant(head.weights, means.dtype)) + head.bias)


def _find_layer(model: Any, path: str) -> Any:
    """The layer of that name; every slash steps into the model that stands before it."""
    found = model
    for name in path.split("/"):
        layers = {layer.name: layer for layer in getattr(found, "layers", ())}
        if name not in layers:
            raise DescribedLayerError(f"the model has no layer {path}")
        found = layers[name]
    return found


def _activations_output(model: Any, name: str) -> Any:
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise StartupError(f"GRAD_CAM_LAYER is wrong: the model has no layer {name}; it has {', '.join(names)}.")
    # A nested model has an output of its own, too; the last one is where this model calls it.
    output = model.get_layer(name).get_output_at(-1)
    if len(output.shape) != 4:
        raise StartupError(f"GRAD_CAM_LAYER is wrong: the output of {name} has {len(output.shape)} dimensions, not 4.")
    return output


def _logits(last: Any, features: Any) -> Any:
    """What the last layer computes before its softmax."""
    if isinstance(last, keras.layers.Dense) and last.activation is keras.activations.softmax:
        return tf.linalg.matmul(tf.cast(features, last.kernel.dtype), last.kernel) + last.bias
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
        return features
    raise StartupError("MODEL_PATH is wrong: the model does not end in a softmax.")
