"""The layers that a model may be made of: an allow-list, because Keras 2 builds whatever an .h5 describes.

Some descriptions run code, or read files, while they are built or used (CVE-2025-9905, CVE-2024-3660, CVE-2025-12058).
A network that looks at pictures needs none of that.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

_MODELS = frozenset({"Functional", "Model", "Sequential"})
_LAYERS_WITH_WEIGHTS = frozenset(
    {"BatchNormalization", "Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "GroupNormalization"}
    | {"LayerNormalization", "PReLU", "SeparableConv2D"}
)
_LAYERS = _LAYERS_WITH_WEIGHTS | frozenset(
    # What goes in, and what is done to it before the network.
    {"CenterCrop", "InputLayer", "Normalization", "RandomBrightness", "RandomContrast", "RandomCrop", "RandomFlip"}
    | {"RandomRotation", "RandomTranslation", "RandomZoom", "Rescaling", "Resizing"}
    # Activations.
    | {"Activation", "ELU", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU"}
    # Shapes, sums and averages.
    | {"Add", "Average", "AveragePooling2D", "Concatenate", "Cropping2D", "Dot", "Flatten", "GlobalAveragePooling2D"}
    | {"GlobalMaxPooling2D", "MaxPooling2D", "Maximum", "Minimum", "Multiply", "Permute", "RepeatVector", "Reshape"}
    | {"Subtract", "UnitNormalization", "UpSampling2D", "ZeroPadding2D"}
    # What does nothing after the training.
    | {"ActivityRegularization", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D"}
    # Functions of tensors, see below.
    | {"SlicingOpLambda", "TFOpLambda"}
)
_PARTS_OF_LAYERS = frozenset(
    {"Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity", "LecunNormal", "LecunUniform"}
    | {"Ones", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros"}
    | {"L1", "L1L2", "L2", "OrthogonalRegularizer", "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "Policy"}
    | {"__tuple__", "__ellipsis__"}
)
_ACTIVATIONS = frozenset(
    {"elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish", "relu", "relu6"}
    | {"selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "swish", "tanh"}
)
# Functions of tensors. What is left out writes files (tf.print does), reads them, or loads libraries.
_PURE_FUNCTIONS = re.compile(
    r"(math|nn|linalg|__operators__)\.\w+|image\.(resize|rgb_to_grayscale|central_crop|adjust_\w+)"
    r"|cast|clip_by_value|concat|convert_to_tensor|expand_dims|identity|ones_like|pad|reshape|shape|split|squeeze|stack"
    r"|tile|transpose|where|zeros_like"
)
# Where Keras may look a class up. Elsewhere are downloads, unpacking, and all of Python.
_MODULES = re.compile(
    r"(tf_)?keras\.(activations|constraints|initializers|layers|mixed_precision|models|regularizers)(\.\w+)*"
    r"|(tf_)?keras\.src\.(engine|models)(\.\w+)*"
)
# NASNetLarge, the largest of Keras' applications by these measures, has 1,041 layers, and 1.2 MB of description.
_LONGEST_DESCRIPTION, _DEEPEST_DESCRIPTION, _MOST_LAYERS = 16 * 1024**2, 60, 5_000
# Of 0 to 1, which the service sends, a step of 1/255 again leaves nothing; networks that expect 0 to 255 divide by 127
# or more, or subtract means near 100.
_SMALL_SCALE, _LARGE_NUMBER = 1 / 50, 50

OTHERWISE = "Save the trained model anew, as docs/configuration.md says, or restore the file"
"""What to do about a model that Keras did not write."""


class ModelRefusedError(Exception):
    """Why, as the end of a sentence that begins with the file."""


def check_layers(text: str, learnt_means: Callable[[str], Sequence[float]]) -> None:
    """Does nothing for a network of known layers that takes pictures scaled to 0-1, described in JSON.

    `learnt_means` gives those of a Normalization layer of this name, from the file's weights.

    Raises:
        ModelRefusedError: it is something else.
    """
    if len(text) > _LONGEST_DESCRIPTION:
        raise ModelRefusedError(f"describes its layers in {len(text):,} characters. {OTHERWISE}")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        sentence = f"describes its layers in something else than JSON, or too deep for it. {OTHERWISE}"
        raise ModelRefusedError(sentence) from None
    for part in _parts(description):
        _check_part(part)
    if not isinstance(description, dict) or description.get("class_name") not in _MODELS:
        raise ModelRefusedError(f"does not describe a model. {OTHERWISE}")
    layers = list(_layers(description))
    if len(layers) > _MOST_LAYERS:
        raise ModelRefusedError(f"has {len(layers):,} layers. {OTHERWISE}")
    _refuse_scaling(layers, learnt_means)


def shown(text: object) -> str:
    """A name from the file as any log can show it."""
    return re.sub(r"[^\w./:>-]", "?", str(text), flags=re.ASCII)[:60]


def _parts(description: Any) -> Iterator[dict[str, Any]]:
    """Every object in the description, however deep."""
    waiting = [(description, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > _DEEPEST_DESCRIPTION:
            raise ModelRefusedError(f"describes its layers too deep. {OTHERWISE}")
        if isinstance(part, dict):
            yield part
            waiting.extend((inner, depth + 1) for inner in part.values())
        elif isinstance(part, list):
            waiting.extend((inner, depth + 1) for inner in part)


def _check_part(part: dict[str, Any]) -> None:
    kind = part.get("class_name")
    config = _config_of(part)
    if "class_name" in part and not (isinstance(kind, str) and kind in _MODELS | _LAYERS | _PARTS_OF_LAYERS):
        shown_kind = shown(kind) if isinstance(kind, str) else "without a name"
        raise ModelRefusedError(
            f"has a part, {_name_of(part)}, of the kind {shown_kind}, which is not built here, because it may "
            f"run code or read files. It is not loaded. {OTHERWISE}"
        )
    module, registered = part.get("module"), part.get("registered_name")
    if not (module is None or (isinstance(module, str) and _MODULES.fullmatch(module))):
        raise ModelRefusedError(f"takes something from the module {shown(module)}. It is not loaded. {OTHERWISE}")
    if registered not in (None, kind):
        raise ModelRefusedError(f"needs a class of its own, {shown(registered)}. It is not loaded. {OTHERWISE}")
    if kind in {"TFOpLambda", "SlicingOpLambda"}:
        function = config.get("function")
        if not (isinstance(function, str) and _PURE_FUNCTIONS.fullmatch(function)):
            raise ModelRefusedError(f"calls tf.{shown(function)}. It is not loaded. {OTHERWISE}")
    for key in ("activation", "recurrent_activation"):
        if isinstance(part.get(key), str) and part[key] not in _ACTIVATIONS:
            raise ModelRefusedError(f"has an activation of its own, {shown(part[key])}. It is not loaded. {OTHERWISE}")


def _config_of(part: dict[str, Any]) -> dict[str, Any]:
    config = part.get("config")
    return config if isinstance(config, dict) else {}


def _name_of(part: dict[str, Any]) -> str:
    name = part.get("name") or _config_of(part).get("name")
    return shown(name) if name else "without a name"


def _layers(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The layers of a model and of the models in it, in their order."""
    config = model.get("config")
    listed = config.get("layers") if isinstance(config, dict) else config
    for layer in listed if isinstance(listed, list) else []:
        if isinstance(layer, dict):
            yield from _layers(layer) if layer.get("class_name") in _MODELS else [layer]


def _refuse_scaling(layers: list[dict[str, Any]], learnt_means: Callable[[str], Sequence[float]]) -> None:
    """Of networks that expect 0 to 255: they would divide again what the service has divided."""
    for layer in layers:
        if layer.get("class_name") in _LAYERS_WITH_WEIGHTS:
            return
        if _expects_0_to_255(layer, learnt_means):
            raise ModelRefusedError(
                f"scales pictures itself, in the layer {_name_of(layer)}, and expects 0 to 255; the service "
                "sends 0 to 1, and they would be scaled twice. Save the model without that layer, to take 0 to 1"
            )


def _expects_0_to_255(layer: dict[str, Any], learnt_means: Callable[[str], Sequence[float]]) -> bool:
    kind, config = layer.get("class_name"), _config_of(layer)
    if kind == "Rescaling":
        return any(abs(scale) < _SMALL_SCALE for scale in _numbers(config.get("scale")))
    if kind == "Normalization":
        means = [*_numbers(config.get("mean")), *learnt_means(str(config.get("name")))]
        return any(abs(mean) > 2 for mean in means)
    if kind != "TFOpLambda":
        return False
    constants = [abs(number) for number in _numbers(layer.get("inbound_nodes")) if number]
    function = str(config.get("function")).rpartition(".")[2]
    if function in {"mul", "multiply"}:
        return any(constant < _SMALL_SCALE for constant in constants)
    if function in {"truediv", "divide", "subtract", "sub", "add", "bias_add"}:
        return any(constant > _LARGE_NUMBER for constant in constants)
    return False


def _numbers(value: Any) -> Iterator[float]:
    """Those anywhere in it that are finite."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, dict)):
            waiting.extend(part.values() if isinstance(part, dict) else part)
        elif isinstance(part, (int, float)) and not isinstance(part, bool) and math.isfinite(part):
            yield part
