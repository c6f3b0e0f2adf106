"""The committed card belongs to the committed model."""

from __future__ import annotations

import json
from typing import Any

import pytest

from src.services.tensorflow_runtime import keras
from src.training.network import CLASSES, GRAD_CAM_LAYER, INPUT_SIDE, PARAMETER_COUNT
from src.utils.file_hash import sha256_of

from .conftest import REPOSITORY

MODELS = REPOSITORY / "src" / "assets" / "models"


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    return json.loads((MODELS / "eyenet_model_52k_ds.json").read_text(encoding="utf-8"))


def test_names_the_file_and_its_bytes(card: dict[str, Any]) -> None:
    assert card["sha256"] == sha256_of(MODELS / card["file"])


def test_says_what_the_model_takes_and_gives(card: dict[str, Any]) -> None:
    model = keras.models.load_model(MODELS / card["file"], compile=False)
    assert card["classes"] == list(CLASSES)
    assert model.output_shape == (None, len(card["classes"]))
    assert model.input_shape == (None, card["input"]["height"], card["input"]["width"], 3)
    assert card["input"]["height"] == INPUT_SIDE
    assert card["parameters"] == model.count_params() == PARAMETER_COUNT
    assert card["grad_cam_layer"] == GRAD_CAM_LAYER
    assert model.get_layer(card["grad_cam_layer"]) is not None


def test_claims_no_calibration_and_states_its_figures(card: dict[str, Any]) -> None:
    assert card["calibrated"] is False
    figures = card["metrics"]["cross_validation"]["pictures"]
    recalls = [figures["per_class"][name]["recall"] for name in CLASSES]
    assert figures["macro_recall"] == pytest.approx(sum(recalls) / len(recalls), abs=1e-3)
    assert sum(figures["per_class"][name]["n"] for name in CLASSES) == figures["n"] == card["training_data"]["pictures"]


def test_the_shipped_recipe_is_better_than_chance_by_far(card: dict[str, Any]) -> None:
    assert card["metrics"]["cross_validation"]["pictures"]["macro_recall"] >= 0.80


def test_tells_nothing_about_the_machine_it_was_made_on(card: dict[str, Any]) -> None:
    text = json.dumps(card)
    assert "/home/" not in text
    assert str(REPOSITORY) not in text
