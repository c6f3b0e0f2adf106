"""A model file that could run its maker's code is refused before any of it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pytest

from src.config.settings import Settings
from src.core.errors import StartupError
from src.services.classifier import EyeClassifier
from src.services.model_description import refuse_code
from src.services.tensorflow_runtime import keras
from tests.unit.services.conftest import SaveModel


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a description, however deep."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from parts(inner)


def forge(model_path: Path, field: str, old: str | None, new: str | None) -> Path:
    """Puts something else into the first object whose field has the old value; `None` means any."""
    with h5py.File(model_path, "r+") as file:
        description = json.loads(file.attrs["model_config"])
        forged = next(part for part in parts(description) if field in part and old in (None, part[field]))
        forged[field] = new
        file.attrs["model_config"] = json.dumps(description)
    return model_path


@pytest.fixture
def model_path(save_model: SaveModel) -> Path:
    """An ordinary model: a slice, arithmetic, a function of TensorFlow, a model inside the model."""
    pictures = keras.Input((64, 64, 3))
    centre = keras.activations.relu(pictures[:, 8:-8, 8:-8] * 2.0 - 1.0)
    inside = keras.Sequential([keras.layers.Conv2D(4, 3, input_shape=(48, 48, 3)), keras.layers.GlobalMaxPooling2D()])
    scores = keras.layers.Dense(4, "softmax", kernel_regularizer="l2")(inside(centre))
    return save_model(keras.Model(pictures, scores))


@pytest.fixture
def model_with_code(save_model: SaveModel, tmp_path: Path) -> tuple[Path, Path]:
    """A model that makes a file as soon as it is built, and that file, which is not there yet."""
    traces = tmp_path / "traces"

    def leave_traces(pictures: Any, file: str = str(traces)) -> Any:
        # Its code alone goes into the model file, so that it can use nothing but what Python has built in.
        open(file, "w").close()  # noqa: PTH123
        return pictures

    pictures = keras.Input((64, 64, 3))
    model = keras.Model(pictures, keras.layers.Lambda(leave_traces)(pictures))
    traces.unlink()
    return save_model(model), traces


def test_a_lambda_layer_is_refused_and_does_not_run(model_with_code: tuple[Path, Path]) -> None:
    model_path, traces = model_with_code
    with pytest.raises(StartupError, match=r"has a Lambda layer, which can run code .* It is not loaded\."):
        EyeClassifier("EyeNet", model_path, ["Healthy", "Ill"], "conv2d")
    assert not traces.exists()


def test_keras_alone_would_have_run_it(model_with_code: tuple[Path, Path]) -> None:
    model_path, traces = model_with_code
    keras.models.load_model(model_path, compile=False)
    assert traces.exists()


@pytest.mark.parametrize("function", ["io.write_file", "raw_ops.WriteFile", "print", "load_op_library", "math", None])
def test_only_functions_of_tensors_may_be_called(model_path: Path, function: str | None) -> None:
    with pytest.raises(StartupError, match=f"calls tf.{function}"):
        refuse_code(forge(model_path, "function", None, function))


@pytest.mark.parametrize("module", ["os", "builtins", "keras.utils", "keras.src.utils.data_utils", "keras.layersx"])
def test_nothing_is_taken_from_elsewhere(model_path: Path, module: str) -> None:
    with pytest.raises(StartupError, match=f"takes something from the module {module}"):
        refuse_code(forge(model_path, "module", None, module))


@pytest.mark.parametrize("kind", ["Lambda", "TensorFlowOpLayer", "TFSMLayer", "InstanceMethod"])
def test_layers_that_do_more_than_compute_are_refused_inside_a_model_of_the_model_too(
    model_path: Path, kind: str
) -> None:
    with pytest.raises(StartupError, match=f"has a {kind} layer"):
        refuse_code(forge(model_path, "class_name", "Conv2D", kind))


def test_an_ordinary_model_is_let_in(model_path: Path) -> None:
    refuse_code(model_path)


def test_the_shipped_model_is_let_in(settings: Settings) -> None:
    refuse_code(settings.model_path)


@pytest.mark.parametrize("content", [b"", b"not HDF5"])
def test_what_is_no_model_is_left_to_keras(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.h5"
    file.write_bytes(content)
    refuse_code(file)


def test_a_file_without_a_description_is_left_to_keras(tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    with h5py.File(file, "w") as weights:
        weights["weights"] = [1.0]
    refuse_code(file)


def test_an_archive_of_keras_is_not_looked_into_and_not_loaded(tmp_path: Path, model_path: Path) -> None:
    """Keras would take it by its name, and what it describes has not been read."""
    archive = tmp_path / "model.keras"
    keras.models.load_model(model_path, compile=False).save(archive, save_format="keras")
    with pytest.raises(StartupError, match=r"model\.keras cannot be loaded as a Keras 2 \.h5 model"):
        EyeClassifier("EyeNet", archive, ["Healthy", "Ill"], "conv2d")
