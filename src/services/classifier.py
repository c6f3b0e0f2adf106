"""The network: loaded once per process, one forward pass per crop for scores and heatmaps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from src.core.errors import StartupError
from src.core.types import EyePrediction, ModelInfo, RgbImage
from src.services.grad_cam import class_activation_maps, scale_heatmap
from src.services.tensorflow_runtime import device_name, enable_memory_growth, keras, tf
from src.utils.file_hash import sha256_of

# Bounds the memory of one pass: activations of DenseNet121 take about 50 MB per crop.
_LARGEST_BATCH = 16
# The kernels are prepared per batch size: one eye and two eyes are what most requests bring.
_WARM_UP_BATCHES = (1, 2)


class EyeClassifier:
    """Classifies eye crops. Safe to call from many threads at once: they share one compiled function."""

    def __init__(self, model_name: str, model_path: Path, classes: Sequence[str], grad_cam_layer: str) -> None:
        """Loads the model, checks it, and answers grey crops so that the first request finds it warm.

        Raises:
            StartupError: the file is missing or not a Keras .h5, or does not fit CLASSES or GRAD_CAM_LAYER.
        """
        enable_memory_growth()
        model = _load(model_path)
        self.input_side = _check_input(model)
        sha256 = sha256_of(model_path)
        _check_classes(model, classes, _classes_on_card(model_path, sha256))
        self._forward = _compile(model, grad_cam_layer, self.input_side)
        self.info = ModelInfo(
            name=model_name,
            sha256=sha256,
            classes=tuple(classes),
            grad_cam_layer=grad_cam_layer,
            device=device_name(),
            tensorflow=tf.__version__,
        )
        grey = np.full((self.input_side, self.input_side, 3), 128, np.uint8)
        for batch in _WARM_UP_BATCHES:
            self.classify([grey] * batch)

    def classify(self, crops: Sequence[RgbImage]) -> list[EyePrediction]:
        """Scores and heatmaps of all crops, in their order.

        Args:
            crops: RGB uint8 `input_side` x `input_side` x 3, as `to_network_input` makes them.
        """
        predictions: list[EyePrediction] = []
        for start in range(0, len(crops), _LARGEST_BATCH):
            batch = np.stack(crops[start : start + _LARGEST_BATCH])
            probabilities, maps = (output.numpy() for output in self._forward(tf.constant(batch)))
            predictions.extend(
                EyePrediction(crop_probabilities, tuple(scale_heatmap(raw) for raw in crop_maps))
                for crop_probabilities, crop_maps in zip(probabilities, maps, strict=True)
            )
        return predictions


def _load(model_path: Path) -> Any:
    if not model_path.is_file():
        raise StartupError(f"MODEL_PATH is wrong: there is no file {model_path}.")
    try:
        return keras.models.load_model(model_path, compile=False)
    except Exception as error:
        # Keras raises whatever its HDF5 and layer code happens to raise; for the operator it is one thing.
        raise StartupError(
            f"MODEL_PATH is wrong: {model_path} cannot be loaded as a Keras 2 .h5 model ({type(error).__name__})."
        ) from error


def _check_input(model: Any) -> int:
    """The side of the square that the model takes, in pixels."""
    shape = tuple(model.input_shape)
    if len(shape) != 4 or shape[1] is None or shape[1] != shape[2] or shape[3] != 3:
        raise StartupError(f"MODEL_PATH is wrong: the model takes {shape}, not a square RGB picture.")
    return int(shape[1])


def _check_classes(model: Any, classes: Sequence[str], card_classes: list[str] | None) -> None:
    width = model.output_shape[-1]
    if width != len(classes):
        raise StartupError(f"CLASSES is wrong: it names {len(classes)} classes, the model has {width} outputs.")
    if card_classes is not None and card_classes != list(classes):
        raise StartupError(f"CLASSES is wrong: the model's card says {','.join(card_classes)}, in this order.")


def _classes_on_card(model_path: Path, sha256: str) -> list[str] | None:
    """The classes that the card beside the model names; None without a card, or with one of another model."""
    card_path = model_path.with_suffix(".json")
    if not card_path.is_file():
        return None
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        return list(card["classes"]) if card["sha256"] == sha256 else None
    except (ValueError, KeyError, TypeError):
        raise StartupError(f"{card_path} is not a model card: it needs classes and sha256.") from None


def _compile(model: Any, grad_cam_layer: str, side: int) -> Any:
    """A graph function: uint8 batch -> (probabilities, maps of all classes), from one forward pass."""
    activations_output = _activations_output(model, grad_cam_layer)
    last = model.layers[-1]
    two_outputs = keras.Model(model.inputs, [activations_output, last.input])

    def forward(batch: Any) -> tuple[Any, Any]:
        activations, features = two_outputs(tf.cast(batch, tf.float32) / 255.0, training=False)
        logits = _logits(last, features)
        return tf.nn.softmax(logits), class_activation_maps(activations, logits)

    signature = [tf.TensorSpec([None, side, side, 3], tf.uint8)]
    try:
        return tf.function(forward, input_signature=signature, autograph=False).get_concrete_function()
    except ValueError as error:
        raise StartupError(f"GRAD_CAM_LAYER is wrong: {grad_cam_layer}: {error}.") from None


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
        return tf.linalg.matmul(features, last.kernel) + last.bias
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
        return features
    raise StartupError("MODEL_PATH is wrong: the model does not end in a softmax.")
