"""The card beside a model: what the service has to know of it and cannot read from its layers."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.core.errors import StartupError
from src.core.types import Floats
from src.services.familiarity import FamiliarityStatistics
from src.services.judgement import Reliability, ScoreRange
from src.utils.files import sha256_of

# Beyond these, single precision turns scores into zeros, ones and not-a-numbers.
_TEMPERATURES = (0.001, 1000.0)
_LARGEST_SLIP_OF_SHARES = 1e-3

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
class OtherConditionHead:
    """What was learnt beside the classes of eyes that have none of them: a logistic regression.

    Attributes:
        weights: of each channel's mean over the places of the Grad-CAM layer; channels.
        bias: its logit where these are 0.
    """

    weights: Floats
    bias: float


@dataclass(frozen=True, slots=True)
class OtherConditionCheck:
    """How it is told that an eye has something that is none of the classes.

    Attributes:
        head: gives the probability (0-1) that it has.
        most: above it, it is said.
    """

    head: OtherConditionHead
    most: float


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
        least_confidence: of each class, the score (0-1) below which it is not to be relied on; None where nobody says.
        reliability: how often answers were right; None where nobody says.
        other_condition: None where the card says nothing of eyes that have none of the classes.
        fills_crops: whether the model learnt crops whose part outside of the picture is filled, see `eye_crops`.
    """

    classes: tuple[str, ...] | None = None
    calibrated: bool = False
    temperature: float = 1.0
    familiarity: FamiliarityCheck | None = None
    bfloat16_agrees: bool = False
    fills_crops: bool = False
    least_confidence: tuple[float, ...] | None = None
    reliability: Reliability | None = None
    other_condition: OtherConditionCheck | None = None


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
            _flag(card.get("fills_crops", False), "fills_crops"),
            _least_confidence(card, classes),
            _reliability(card, classes),
            _other_condition(card),
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


def _least_confidence(card: dict[str, Any], classes: tuple[str, ...]) -> tuple[float, ...] | None:
    least = _section(card, "least_confidence")
    return None if least is None else tuple(_share(least.get(name), f"least_confidence.{name}") for name in classes)


def _reliability(card: dict[str, Any], classes: tuple[str, ...]) -> Reliability | None:
    reliability = _section(card, "reliability")
    if reliability is None:
        return None
    ranges, prevalence = (_section(reliability, name) or {} for name in ("ranges", "prevalence"))
    shares = tuple(_share(prevalence.get(name), f"reliability.prevalence.{name}") for name in classes)
    if abs(sum(shares) - 1) > _LARGEST_SLIP_OF_SHARES:
        raise _CardError("reliability.prevalence must add up to 1")
    return Reliability(tuple(_ranges(ranges.get(name), name, classes) for name in classes), shares)


def _ranges(found: Any, said: str, classes: tuple[str, ...]) -> tuple[ScoreRange, ...]:
    name = f"reliability.ranges.{said}"
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _CardError(f"{name} must be a list of objects")
    ranges = []
    for row in found:
        rates = _section(row, "rates") or {}
        of_classes = tuple(_share(rates.get(other), f"{name}: rates.{other}") for other in classes)
        ranges.append(ScoreRange(_share(row.get("least"), f"{name}: least"), of_classes))
    if any(one.least >= other.least for one, other in itertools.pairwise(ranges)):
        raise _CardError(f"{name} must be in the order of rising least")
    return tuple(ranges)


def _share(value: Any, name: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise _CardError(f"{name} must be a number from 0 to 1")
    return float(value)


def _other_condition(card: dict[str, Any]) -> OtherConditionCheck | None:
    check = _section(card, "other_condition")
    if check is None:
        return None
    try:
        weights = np.frombuffer(base64.b64decode(check["weights"], validate=True), "<f4")
        bias = float(check["bias"])
    except (KeyError, TypeError, ValueError):
        weights, bias = np.zeros(0, np.float32), math.nan
    if not len(weights) or not math.isfinite(bias) or not np.isfinite(weights).all():
        raise _CardError("other_condition needs weights, the base64 of floats of 4 bytes, and bias, a number")
    most = _share(check.get("most"), "other_condition.most")
    return OtherConditionCheck(OtherConditionHead(weights, bias), most)


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
