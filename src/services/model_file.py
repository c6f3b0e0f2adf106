"""What is read of a model before Keras builds it: the card beside it, and the description of layers in its file.

The card says what the service has to know of a model and cannot read from its layers.

Keras 2 builds whatever an .h5 describes, and some descriptions run code or touch files while they are built or used
(CVE-2025-9905, CVE-2024-3660, CVE-2025-1550). A network that looks at pictures needs none of them. `refuse_code`
refuses those that are known; it does not make a stranger's file safe: see docs/security.md.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from src.core.errors import StartupError
from src.services.familiarity import FamiliarityStatistics
from src.utils.files import sha256_of

# Beyond these, single precision turns scores into zeros, ones and not-a-numbers.
_TEMPERATURES = (0.001, 1000.0)

# Python code of its own, a method of any object, a raw operation, another model from a path of its choice.
_LAYERS_WITH_CODE = frozenset(
    {"ClassMethod", "InstanceMethod", "InstanceProperty", "Lambda", "TensorFlowOpLayer", "TFSMLayer"}
)
# Functions of tensors. What is left out writes files (tf.print does), reads them, or loads libraries.
_PURE_FUNCTIONS = re.compile(
    r"(math|nn|linalg|image|__operators__)\.\w+"
    r"|cast|clip_by_value|concat|convert_to_tensor|expand_dims|identity|ones_like|pad|reshape|shape|split|squeeze|stack"
    r"|tile|transpose|where|zeros_like"
)
# Where Keras may look a class or a function up. Elsewhere are downloads, unpacking, and all of Python.
_MODULES = re.compile(
    r"(tf_)?keras\.(activations|constraints|initializers|layers|mixed_precision|models|regularizers)(\.\w+)*"
    r"|(tf_)?keras\.src\.(engine|models)(\.\w+)*"
)

_log = logging.getLogger(__name__)


class _CardError(Exception):
    """What is wrong with a card, without saying which card it is."""


@dataclass(frozen=True, slots=True)
class FamiliarityCheck:
    """How a crop is compared with the training pictures.

    Attributes:
        layer: whose output is described; `backbone/layer` for a layer of a model within the model.
        statistics: of the training pictures' descriptors.
    """

    layer: str
    statistics: FamiliarityStatistics


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What the card says; the defaults are what is true of a model without a card.

    Attributes:
        classes: in the order of the outputs; None where nobody says.
        calibrated: whether scores mean what they say.
        temperature: by which the logits are divided before the softmax, above 0. Guo et al., "On calibration of modern
            neural networks", ICML 2017.
        familiarity: None where crops cannot be compared with the training pictures.
        bfloat16_agrees: whether a comparison found the same answers in bfloat16 as in float32.
    """

    classes: tuple[str, ...] | None = None
    calibrated: bool = False
    temperature: float = 1.0
    familiarity: FamiliarityCheck | None = None
    bfloat16_agrees: bool = False


def card_path_of(model_path: Path) -> Path:
    """Where the card of a model is."""
    return model_path.with_suffix(".json")


def read_model_card(model_path: Path, sha256: str) -> ModelCard:
    """The card beside the .h5; the defaults without one, or where it is another model's than that with this hash.

    Raises:
        StartupError: the card is broken, or its statistics are.
    """
    path = card_path_of(model_path)
    if not path.is_file():
        return ModelCard()
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        classes = tuple(str(name) for name in card["classes"])
        is_of_this_model = card["sha256"] == sha256
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        raise StartupError(f"{path} is not a model card: it needs classes and sha256.") from None
    if not is_of_this_model:
        _log.warning("the card %s belongs to another model file: scores are taken as they are", path)
        return ModelCard()
    try:
        return ModelCard(
            classes,
            _flag(card.get("calibrated", False), "calibrated"),
            _temperature(card),
            _familiarity(card, path.parent),
            (bfloat16 := _section(card, "bfloat16")) is not None and _flag(bfloat16.get("agrees"), "bfloat16.agrees"),
        )
    except _CardError as error:
        raise StartupError(f"{path} is wrong: {error}.") from None


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise _CardError(f"{name} must be true or false")
    return value


def _temperature(card: dict[str, Any]) -> float:
    calibration = _section(card, "calibration")
    if calibration is None:
        return 1.0
    temperature: Any = calibration.get("temperature")
    smallest, largest = _TEMPERATURES
    is_number = isinstance(temperature, (int, float)) and not isinstance(temperature, bool)
    if not (is_number and smallest <= temperature <= largest):
        raise _CardError(f"calibration.temperature must be a number from {smallest:g} to {largest:g}")
    return float(temperature)


def _familiarity(card: dict[str, Any], folder: Path) -> FamiliarityCheck | None:
    familiarity = _section(card, "familiarity")
    if familiarity is None:
        return None
    layer, name, sha256 = (familiarity.get(key) for key in ("layer", "statistics", "sha256"))
    if not (isinstance(layer, str) and isinstance(name, str) and isinstance(sha256, str)):
        raise _CardError("familiarity needs layer, statistics and sha256, each a text")
    if not name or Path(name).name != name:
        raise _CardError("familiarity.statistics must be the name of a file beside the card")
    file = folder / name
    if not file.is_file():
        raise _CardError(f"familiarity.statistics: there is no file {file}")
    try:
        if sha256_of(file) != sha256:
            raise _CardError(f"familiarity.sha256 is not that of {file}; it belongs to another model, or is damaged")
        return FamiliarityCheck(layer, FamiliarityStatistics.load(file))
    except ValueError as error:
        raise _CardError(f"familiarity.statistics: {file}: {error}") from None
    except OSError as error:
        raise _CardError(f"familiarity.statistics: {file} cannot be read: {error.strerror}") from None


def _section(card: dict[str, Any], name: str) -> dict[str, Any] | None:
    section = card.get(name)
    if section is not None and not isinstance(section, dict):
        raise _CardError(f"{name} must be an object")
    return section


def refuse_code(model_path: Path) -> None:
    """Does nothing for a file that describes layers only, and for one that is no model: Keras says what is wrong there.

    Raises:
        StartupError: the description contains code, or asks for something from outside Keras' layers.
    """
    for part in _parts(_description(model_path)):
        reason = _reason_against(part)
        if reason is not None:
            raise StartupError(
                f"MODEL_PATH is wrong: {model_path} {reason}, which can run code of whoever made the file. "
                "It is not loaded."
            )


def _description(model_path: Path) -> Any:
    try:
        with h5py.File(model_path, "r") as file:
            return json.loads(file.attrs["model_config"])
    except (OSError, KeyError, ValueError):
        return None


def _parts(description: Any) -> Iterator[dict[str, Any]]:
    """Every object in the description, however deep."""
    waiting = [description]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _reason_against(part: dict[str, Any]) -> str | None:
    kind, module = part.get("class_name"), part.get("module")
    if kind in _LAYERS_WITH_CODE:
        return f"has a {kind} layer"
    if module is not None and not _MODULES.fullmatch(str(module)):
        return f"takes something from the module {module}"
    if kind in {"TFOpLambda", "SlicingOpLambda"}:
        function = part.get("config", {}).get("function")
        if not _PURE_FUNCTIONS.fullmatch(str(function)):
            return f"calls tf.{function}"
    return None
