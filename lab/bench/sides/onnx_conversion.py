"""The model's weights as ONNX Runtime reads them, converted once per model file.

TensorFlow is needed for that, and is met nowhere else on this side: `python -m lab.bench.sides.onnx_conversion` is run
as a process of its own, and what it leaves in build/ is found again by the next run.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.utils.files import sha256_of

_FOLDER = PROJECT_ROOT / "build" / "benchmarks"
_OPSET = 17


@dataclass(frozen=True, slots=True)
class ConvertedModel:
    """Where the two parts of the network are.

    Attributes:
        backbone: an ONNX file, from a batch of pictures (float32, 0-1) to the output of the Grad-CAM layer.
        head: an .npz with the kernels and biases of the two dense layers behind it.
    """

    backbone: Path
    head: Path


def converted_model(settings: Settings) -> ConvertedModel:
    """The converted files; converts in a process of its own where they are missing.

    Raises:
        CalledProcessError: the conversion failed.
    """
    files = _files(settings)
    if not (files.backbone.is_file() and files.head.is_file()):
        subprocess.run([sys.executable, "-m", "lab.bench.sides.onnx_conversion"], cwd=PROJECT_ROOT, check=True)
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

    def activations(pictures: Any) -> Any:
        return backbone(pictures, training=False)

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
        tf.function(activations, autograph=False),
        input_signature=[tf.TensorSpec([None, side, side, 3], tf.float32, name="pictures")],
        opset=_OPSET,
        output_path=str(partial),
    )
    # Put in place whole: a conversion that is killed half-way must not be taken for one that is done.
    partial.replace(files.backbone)


if __name__ == "__main__":
    _settings = load_settings()
    _convert(_settings, _files(_settings))
