"""The card is believed if it is this model's, and refused with a sentence if it is broken."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.errors import StartupError
from src.services.familiarity import FamiliarityStatistics
from src.services.model_card import ModelCard, read_model_card

SHA256 = "0123456789abcdef" * 4
CLASSES = ["Healthy", "Ill"]


@pytest.fixture
def model_path(tmp_path: Path) -> Path:
    """Only its name matters here."""
    return tmp_path / "model.h5"


@pytest.fixture
def familiarity(tmp_path: Path) -> dict[str, Any]:
    """A good section, its statistics written beside the card."""
    file = tmp_path / "statistics.npz"
    FamiliarityStatistics(np.zeros(8), np.ones(8), np.eye(8)[:, :2], 1.5).save(file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"layer": "backbone/last", "statistics": file.name, "sha256": sha256}


def read(model_path: Path, **fields: Any) -> ModelCard:
    card = {"classes": CLASSES, "sha256": SHA256} | fields
    model_path.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    return read_model_card(model_path, SHA256)


def test_a_model_without_a_card_has_the_defaults(model_path: Path) -> None:
    assert read_model_card(model_path, SHA256) == ModelCard(None, False, 1.0, None, False)


def test_a_card_of_another_model_says_nothing(model_path: Path) -> None:
    fields = {"calibrated": True, "calibration": {"temperature": 2}, "bfloat16": {"agrees": True}}
    card = read(model_path, sha256="0" * 64, **fields)
    assert card == ModelCard()


def test_a_card_without_the_sections_has_the_defaults_for_them(model_path: Path) -> None:
    assert read(model_path) == ModelCard(("Healthy", "Ill"), False, 1.0, None, False)


def test_temperature_and_calibration_are_read(model_path: Path) -> None:
    card = read(model_path, calibrated=True, calibration={"method": "temperature scaling", "temperature": 0.87})
    assert (card.calibrated, card.temperature) == (True, 0.87)


@pytest.mark.parametrize("agrees", [True, False])
def test_the_comparison_with_bfloat16_is_read(model_path: Path, agrees: bool) -> None:
    assert read(model_path, bfloat16={"agrees": agrees, "eyes": 895}).bfloat16_agrees is agrees


def test_the_familiarity_check_is_read(model_path: Path, familiarity: dict[str, Any]) -> None:
    check = read(model_path, familiarity=familiarity).familiarity
    assert check is not None
    assert check.layer == "backbone/last"
    assert check.statistics.typical == 1.5
    assert check.statistics.components.shape == (8, 2)


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", "5", '{"classes": 5, "sha256": ""}', "[" * 100_000])
def test_what_is_no_card_is_refused(model_path: Path, content: str) -> None:
    model_path.with_suffix(".json").write_text(content, encoding="utf-8")
    with pytest.raises(StartupError, match=r"model\.json is not a model card"):
        read_model_card(model_path, SHA256)


def test_a_card_that_is_not_text_is_refused(model_path: Path) -> None:
    model_path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StartupError, match=r"model\.json is not a model card"):
        read_model_card(model_path, SHA256)


@pytest.mark.parametrize("temperature", [0, -1, 1e-9, 1e9, float("nan"), float("inf"), 10**400, True, "1", None, [1]])
def test_a_temperature_that_cannot_be_is_refused(model_path: Path, temperature: Any) -> None:
    with pytest.raises(StartupError, match=r"model\.json is wrong: calibration\.temperature must be a number"):
        read(model_path, calibration={"temperature": temperature})


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"calibrated": "yes"}, "calibrated must be true or false"),
        ({"calibration": 0.87}, "calibration must be an object"),
        ({"calibration": {}}, r"calibration\.temperature"),
        ({"familiarity": "statistics.npz"}, "familiarity must be an object"),
        ({"bfloat16": True}, "bfloat16 must be an object"),
        ({"bfloat16": {}}, r"bfloat16\.agrees must be true or false"),
        ({"bfloat16": {"agrees": "yes"}}, r"bfloat16\.agrees must be true or false"),
        ({"bfloat16": {"agrees": 1}}, r"bfloat16\.agrees must be true or false"),
    ],
)
def test_a_section_of_another_kind_is_refused(model_path: Path, fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StartupError, match=rf"model\.json is wrong: {sentence}"):
        read(model_path, **fields)


@pytest.mark.parametrize("missing", ["layer", "statistics", "sha256"])
def test_a_familiarity_check_needs_all_its_parts(model_path: Path, familiarity: dict[str, Any], missing: str) -> None:
    del familiarity[missing]
    with pytest.raises(StartupError, match="familiarity needs layer, statistics and sha256"):
        read(model_path, familiarity=familiarity)


@pytest.mark.parametrize("name", ["", "../statistics.npz", "/etc/hostname", "folder/statistics.npz"])
def test_statistics_lie_beside_the_card(model_path: Path, familiarity: dict[str, Any], name: str) -> None:
    with pytest.raises(StartupError, match="the name of a file beside the card"):
        read(model_path, familiarity=familiarity | {"statistics": name})


def test_statistics_that_are_missing_are_named(model_path: Path, familiarity: dict[str, Any]) -> None:
    with pytest.raises(StartupError, match=r"there is no file .*absent\.npz"):
        read(model_path, familiarity=familiarity | {"statistics": "absent.npz"})


def test_statistics_of_another_model_are_refused(model_path: Path, familiarity: dict[str, Any]) -> None:
    with pytest.raises(StartupError, match=r"familiarity\.sha256 is not that of .*statistics\.npz"):
        read(model_path, familiarity=familiarity | {"sha256": "0" * 64})


def test_statistics_that_are_none_are_refused(model_path: Path, familiarity: dict[str, Any]) -> None:
    file = model_path.with_name(familiarity["statistics"])
    file.write_bytes(b"text")
    familiarity["sha256"] = hashlib.sha256(b"text").hexdigest()
    with pytest.raises(StartupError, match=r"statistics\.npz: it is not an \.npz file"):
        read(model_path, familiarity=familiarity)
