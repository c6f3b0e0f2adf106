"""A model is made of known layers and takes 0 to 1; everything else is refused by the name of what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import pytest

from src.core.errors import StartupError
from src.services.classifier import EyeClassifier
from src.services.model_gate import open_model_file
from src.services.model_layers import ModelRefusedError, check_layers
from src.services.tensorflow_runtime import keras, tf
from tests.unit.services.conftest import SaveModel

layers = keras.layers


def no_means(_name: str) -> Sequence[float]:
    return []


@pytest.fixture
def described(save_model: SaveModel) -> Callable[[Any], str]:
    """As the .h5 says it."""

    def describe(model: Any) -> str:
        with h5py.File(save_model(model)) as file:
            return str(file.attrs["model_config"])

    return describe


def described_with(**changes: Any) -> str:
    """A description with another second layer, or with other values of it."""
    layer = {"class_name": "Conv2D", "name": "second", "config": {"name": "second", "activation": "relu"}}
    config = changes.pop("config", {})
    layer |= changes | {"config": layer["config"] | config if isinstance(config, dict) else config}  # type: ignore[operator]
    first = {"class_name": "InputLayer", "config": {"name": "first"}, "name": "first"}
    inner = {"class_name": "Sequential", "config": {"name": "inner", "layers": [first, layer]}}
    return json.dumps({"class_name": "Functional", "config": {"name": "outer", "layers": [first, inner]}})


def refusal(text: str) -> str:
    with pytest.raises(ModelRefusedError) as refused:
        check_layers(text, no_means)
    return str(refused.value)


def test_a_lambda_layer_is_refused_and_does_not_run_as_it_would_with_keras_alone(
    save_model: SaveModel, tmp_path: Path
) -> None:
    traces = tmp_path / "traces"

    def leave_traces(pictures: Any, file: str = str(traces)) -> Any:
        # Its code alone goes into the model file, so that it can use nothing but what Python has built in.
        open(file, "w").close()  # noqa: PTH123
        return pictures

    pictures = keras.Input((64, 64, 3))
    file = save_model(keras.Model(pictures, layers.Lambda(leave_traces, name="odd")(pictures)))
    traces.unlink()
    with pytest.raises(StartupError, match=r"MODEL_PATH is wrong: .*, odd, of the kind Lambda.* is not loaded\."):
        EyeClassifier("EyeNet", file, ["Healthy", "Ill"], "conv2d")
    assert not traces.exists()
    keras.models.load_model(file, compile=False)
    assert traces.exists()


@pytest.mark.parametrize(
    "kind",
    [
        *[
            "Lambda",
            "TensorFlowOpLayer",
            "TFSMLayer",
            "InstanceMethod",
            "ClassMethod",
            "TorchModuleWrapper",
            "JaxLayer",
        ],
        *["StringLookup", "IntegerLookup", "TextVectorization", "Hashing", "Embedding", "MyLayer"],
        *["TorchModuleWrapper", "FlaxLayer", None, 5, True],
        *["TimeDistributed", "Bidirectional", "Wrapper", "SpectralNormalization", "TypeSpec", "CompositeTensor"],
        *[
            "__lambda__",
            "function",
            "type",
            "",
            "conv2d",
            "Conv2D\n",
            ["Lambda"],
            {"class_name": "Lambda"},
            None,
            5,
            True,
        ],
    ],
)
def test_a_layer_that_is_not_on_the_list_is_refused_by_its_name(kind: Any) -> None:
    assert refusal(described_with(class_name=kind)).startswith("has a part, ")
    assert "second" in refusal(described_with(class_name=kind)) or isinstance(kind, dict)


@pytest.mark.parametrize("module", ["os", "builtins", "keras.utils", "keras.src.utils.data_utils", "keras.layersx", 5])
def test_classes_from_elsewhere_are_refused(module: Any) -> None:
    assert refusal(described_with(module=module)).startswith(f"takes something from the module {module}")


@pytest.mark.parametrize(
    "function",
    [
        *[
            "io.write_file",
            "io.read_file",
            "raw_ops.WriteFile",
            "print",
            "load_op_library",
            "py_function",
            "math",
            None,
        ],
        *["image.decode_png", "keras.utils.get_file", ["math.add"], {"a": 1}, "math.add\n", "py_function"],
    ],
)
@pytest.mark.parametrize("kind", ["TFOpLambda", "SlicingOpLambda"])
def test_functions_that_do_more_than_compute_are_refused(kind: str, function: Any) -> None:
    assert refusal(described_with(class_name=kind, config={"function": function})).startswith("calls tf.")


def test_classes_and_activations_of_ones_own_are_refused() -> None:
    assert refusal(described_with(registered_name="Custom>Thing")).startswith("needs a class of its own, Custom>Thing")
    assert refusal(described_with(config={"activation": "my_own"})).startswith("has an activation of its own, my_own")
    with_dictionary = {"activation": {"class_name": "function", "config": "relu", "registered_name": "relu"}}
    assert "of the kind function" in refusal(described_with(config=with_dictionary))
    check_layers(described_with(), no_means)


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "5", "[]", "{}", '{"class_name": "Conv2D"}', '{"class_name": "L2", "config": {}}'],
)
def test_what_describes_no_model_is_refused(text: str) -> None:
    assert "describe" in refusal(text)


@pytest.mark.parametrize("depth", [100, 5_000, 200_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_a_description_is_bounded_in_depth(depth: int, brackets: tuple[str, str]) -> None:
    opening, closing = brackets
    assert "too deep" in refusal(opening * depth + "1" + closing * depth)


def test_a_description_is_bounded_in_length_and_layers() -> None:
    assert "characters" in refusal(" " * (16 * 1024**2 + 1))
    many = [{"class_name": "ReLU", "config": {}}] * 5_001
    assert "has 5,001 layers" in refusal(json.dumps({"class_name": "Sequential", "config": {"layers": many}}))


def test_names_are_shown_so_that_no_log_is_fooled() -> None:
    sentence = refusal(described_with(class_name="Lambda\n2026-01-01 INFO all is well" + "x" * 1000, name="a\x1b[31m"))
    assert sentence.isprintable()
    assert len(sentence) < 400


def ordinary_network(pictures: Any) -> Any:
    """A slice, arithmetic, functions of TensorFlow, a model inside the model, layers with objects in their place."""
    centre = keras.activations.relu(pictures[:, 8:-8, 8:-8] * 2.0 - 1.0)
    centre = layers.RandomRotation(0.1, name="centre")(layers.RandomFlip()(centre))
    inside = keras.Sequential(
        [
            layers.Conv2D(4, 3, input_shape=(48, 48, 3), activation=layers.LeakyReLU(0.1)),
            layers.BatchNormalization(),
            layers.SeparableConv2D(4, 3, activation="swish", kernel_constraint="max_norm"),
            layers.GlobalMaxPooling2D(),
        ]
    )
    return layers.Dense(4, "softmax", kernel_regularizer="l2", kernel_initializer="he_normal")(inside(centre))


def test_an_ordinary_network_is_let_in_and_answers(save_model: SaveModel) -> None:
    pictures = keras.Input((64, 64, 3))
    file = save_model(keras.Model(pictures, ordinary_network(pictures)))
    with open_model_file(file) as model:
        assert model.weights > 100
    assert EyeClassifier("EyeNet", file, ["A", "B", "C", "D"], "centre").info.classes == ("A", "B", "C", "D")


SCALING: dict[str, Callable[[Any], Any]] = {
    "Rescaling to 0-1": layers.Rescaling(1 / 255),
    "Rescaling to -1-1": layers.Rescaling(1 / 127.5, offset=-1),
    "Normalization": layers.Normalization(mean=[123.7, 116.8, 103.9], variance=[1, 1, 1]),
    "a division": lambda pictures: pictures / 255.0,
    "a product": lambda pictures: pictures * (1 / 255),
    "a difference": lambda pictures: pictures - 127.5,
    "DenseNet's": lambda pictures: keras.applications.densenet.preprocess_input(pictures),
    "ResNet's": lambda pictures: keras.applications.resnet50.preprocess_input(pictures),
    "MobileNet's": lambda pictures: keras.applications.mobilenet_v2.preprocess_input(pictures),
    "a model in the model": lambda pictures: keras.Sequential([layers.Rescaling(1 / 255, input_shape=(64, 64, 3))])(
        pictures
    ),
}


@pytest.mark.parametrize("name", SCALING)
def test_a_network_that_scales_pictures_itself_is_refused_because_they_would_be_scaled_twice(
    described: Callable[[Any], str], name: str
) -> None:
    pictures = keras.Input((64, 64, 3))
    scores = layers.Dense(4)(layers.Flatten()(SCALING[name](pictures)))
    sentence = refusal(described(keras.Model(pictures, scores)))
    assert "and expects 0 to 255; the service sends 0 to 1" in sentence
    assert sentence.startswith("scales pictures itself, in the layer ")


def test_a_normalization_that_learnt_from_0_to_255_is_refused_and_one_that_learnt_from_0_to_1_is_not(
    save_model: SaveModel,
) -> None:
    for largest in (255.0, 1.0):
        learnt = layers.Normalization(name="learnt")
        learnt.adapt(tf.random.uniform((4, 64, 64, 3), maxval=largest, seed=1))
        pictures = keras.Input((64, 64, 3))
        file = save_model(keras.Model(pictures, layers.Dense(4)(layers.Flatten()(learnt(pictures)))))
        if largest == 1:
            with open_model_file(file):
                continue
        with pytest.raises(StartupError, match=r"MODEL_PATH is wrong: .* scales pictures itself, in the layer learnt"):
            open_model_file(file).__enter__()


def test_scaling_0_to_1_further_or_deeper_in_the_network_is_the_networks_own_business(
    described: Callable[[Any], str],
) -> None:
    pictures = keras.Input((64, 64, 3))
    centred = layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.05, 0.05, 0.05])(
        layers.Rescaling(2.0, offset=-1.0)(pictures)
    )
    features = layers.Conv2D(4, 3)(centred)
    scores = layers.Dense(4)(layers.Flatten()(layers.Rescaling(1 / 255)(features) / 255.0))
    check_layers(described(keras.Model(pictures, scores)), no_means)


def test_a_description_of_more_weights_than_the_file_has_is_refused_before_their_memory_is_taken(
    save_model: SaveModel,
) -> None:
    pictures = keras.Input((64, 64, 3))
    file = save_model(keras.Model(pictures, layers.Dense(4, "softmax")(layers.GlobalAveragePooling2D()(pictures))))
    with h5py.File(file, "r+") as forged:
        forged.attrs["model_config"] = forged.attrs["model_config"].replace('"units": 4', '"units": 1000000000')
    with pytest.raises(StartupError, match="its layers and its weights do not fit together"):
        EyeClassifier("EyeNet", file, ["Healthy", "Ill"], "dense")


def test_a_layer_that_gives_more_than_memory_holds_is_refused_before_it_is_computed(save_model: SaveModel) -> None:
    pictures = keras.Input((64, 64, 3))
    large = layers.UpSampling2D(200, name="large")(pictures)
    file = save_model(keras.Model(pictures, layers.Dense(4)(layers.GlobalAveragePooling2D()(large))))
    with pytest.raises(StartupError, match=r"^MODEL_PATH is wrong: the layer large gives 491,520,000 numbers"):
        EyeClassifier("EyeNet", file, ["A", "B", "C", "D"], "large")
