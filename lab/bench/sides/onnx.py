"""The same network in ONNX Runtime: its weights, converted once per model file, and Grad-CAM without a backward pass.

TensorFlow is needed for the conversion, and is met nowhere else on this side: `python -m lab.bench.sides.onnx` is run
as a process of its own, and what it leaves in build/ is found again by the next run.

Behind the Grad-CAM layer come an average over all places, a dense layer with ReLU, and a dense layer: for a place p and
a channel c, with A the layer's output, n its places, h = W1' mean(A) + b1 and logit_k = W2_k' relu(h) + b2_k,

    d logit_k / d A[p, c] = sum over j of W2[j, k] * [h_j > 0] * W1[c, j] / n

which is the same at every place. Grad-CAM's channel weights are the means of that over the places, so they are that
itself.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.core.types import EyePrediction, Probabilities, RgbImage
from src.services.grad_cam import scale_heatmap
from src.utils.files import sha256_of

if TYPE_CHECKING:
    import onnxruntime

_Floats = npt.NDArray[np.float32]

_FOLDER = PROJECT_ROOT / "build" / "benchmarks"
_OPSET = 17


@dataclass(frozen=True, slots=True)
class Head:
    """The two dense layers behind the Grad-CAM layer: channels x units, units, units x classes, classes."""

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


class ConvertedModel(NamedTuple):
    """Where the two parts of the network are: an ONNX file, from pictures (float32, 0-1) to the output of the Grad-CAM
    layer, and an .npz with the two dense layers behind it.
    """

    backbone: Path
    head: Path


def converted_model(settings: Settings) -> ConvertedModel:
    """The converted files; converts in a process of its own where they are missing."""
    files = _files(settings)
    if not all(file.is_file() for file in files):
        subprocess.run([sys.executable, "-m", "lab.bench.sides.onnx"], cwd=PROJECT_ROOT, check=True)
    return files


def _files(settings: Settings) -> ConvertedModel:
    stem = _FOLDER / f"model-{sha256_of(settings.model_path)[:12]}"
    return ConvertedModel(stem.with_suffix(".onnx"), stem.with_suffix(".npz"))


def _convert(settings: Settings, files: ConvertedModel) -> None:
    # TensorFlow's environment has to be prepared first, which importing our runtime does.
    from src.services.tensorflow_runtime import keras, tf  # noqa: PLC0415,I001

    import tf2onnx  # noqa: PLC0415

    model: Any = keras.models.load_model(settings.model_path, compile=False)
    backbone = keras.Model(model.inputs, model.get_layer(settings.grad_cam_layer).output)
    side = int(model.input_shape[1])

    files.backbone.parent.mkdir(parents=True, exist_ok=True)
    hidden, last = (layer for layer in model.layers[-3:] if isinstance(layer, keras.layers.Dense))
    np.savez(
        files.head,
        hidden_kernel=hidden.kernel.numpy(),
        hidden_bias=hidden.bias.numpy(),
        last_kernel=last.kernel.numpy(),
        last_bias=last.bias.numpy(),
    )
    partial = files.backbone.with_suffix(".partial")
    tf2onnx.convert.from_function(
        tf.function(lambda pictures: backbone(pictures, training=False), autograph=False),
        input_signature=[tf.TensorSpec([None, side, side, 3], tf.float32, name="pictures")],
        opset=_OPSET,
        output_path=str(partial),
    )
    # Put in place whole: a conversion that is killed half-way must not be taken for one that is done.
    partial.replace(files.backbone)


def open_session(model: ConvertedModel, threads: int) -> onnxruntime.InferenceSession:
    """A session on the processor, with `threads` threads per pass that sleep between passes."""
    # Installed for the benchmark only; the closed form is tested without it.
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between passes take the processor from detection and decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(model.backbone), options, providers=["CPUExecutionProvider"])


class OnnxClassifier:
    """Scores and heatmaps of eye crops. Safe to call from many threads at once."""

    def __init__(self, model: ConvertedModel, temperature: float, threads: int) -> None:
        self._session = open_session(model, threads)
        self._input_name = self._session.get_inputs()[0].name
        self._head = Head.load(model.head)
        self._temperature = temperature

    def classify(self, crops: Sequence[RgbImage]) -> list[EyePrediction]:
        """One pass for all crops, RGB uint8, each as large as the network takes it; in their order."""
        pictures = np.stack(crops).astype(np.float32) / np.float32(255)
        (activations,) = self._session.run(None, {self._input_name: pictures})
        logits, maps = self._head.logits_and_maps(np.asarray(activations))
        probabilities = softmax(logits, self._temperature)
        return [
            EyePrediction(crop_probabilities, tuple(scale_heatmap(raw) for raw in crop_maps))
            for crop_probabilities, crop_maps in zip(probabilities, maps, strict=True)
        ]


if __name__ == "__main__":
    _settings = load_settings()
    _convert(_settings, _files(_settings))
