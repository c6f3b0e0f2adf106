"""Nothing that can change an answer is forgotten."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from src.cli.screening.conditions import conditions_of
from src.config.settings import Settings
from src.core.types import ModelInfo
from src.services.thresholds import Thresholds

MODEL = ModelInfo("EyeNet", "ab" * 32, ("A", "B"), "multiply_1", "CPU", "2.14.1", True, "float32")


def test_they_are_the_same_when_read_back(settings: Settings) -> None:
    conditions = conditions_of(settings, MODEL)
    assert json.loads(json.dumps(conditions)) == conditions


@pytest.mark.parametrize(
    "name",
    [field.name for field in dataclasses.fields(Thresholds)]
    + ["crop_padding_x", "crop_padding_y", "max_image_pixels", "max_body_mb"],
)
def test_every_number_that_can_change_an_answer_counts(settings: Settings, name: str) -> None:
    other = settings.model_copy(update={name: getattr(settings, name) + 1})
    assert conditions_of(other, MODEL) != conditions_of(settings, MODEL)


@pytest.mark.parametrize(
    "change", [{"sha256": "other"}, {"precision": "bfloat16"}, {"classes": ("B", "A")}, {"calibrated": False}]
)
def test_so_does_everything_about_the_model(settings: Settings, change: dict[str, object]) -> None:
    other = dataclasses.replace(MODEL, **change)  # type: ignore[arg-type]
    assert conditions_of(settings, other) != conditions_of(settings, MODEL)


def test_another_card_is_another_temperature(settings: Settings, tmp_path: Path) -> None:
    beside = settings.model_copy(update={"model_path": tmp_path / "model.h5"})
    without = conditions_of(beside, MODEL)
    (tmp_path / "model.json").write_text("{}")
    assert without["card_sha256"] is None
    assert conditions_of(beside, MODEL) != without


def test_where_it_runs_and_what_it_is_called_from_does_not_count(settings: Settings) -> None:
    other = settings.model_copy(update={"port": 9, "worker_threads": 7, "model_path": settings.model_path})
    assert conditions_of(other, MODEL) == conditions_of(settings, MODEL)
