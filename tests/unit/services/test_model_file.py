"""The card is believed if it is this model's, and refused with a sentence if it is broken."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.errors import StartupError
from src.services.familiarity import FamiliarityStatistics
from src.services.judgement import Reliability, ScoreRange
from src.services.model_file import ModelCard, read_model_card

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


def test_without_a_card_or_its_sections_or_with_that_of_another_model_there_are_the_defaults(
    model_path: Path,
) -> None:
    assert read_model_card(model_path, SHA256) == ModelCard(None, False, 1.0, None, False)
    assert read(model_path) == ModelCard(("Healthy", "Ill"), False, 1.0, None, False)
    fields = {"calibrated": True, "calibration": {"temperature": 2}, "bfloat16": {"agrees": True}}
    assert read(model_path, sha256="0" * 64, **fields) == ModelCard()


def test_temperature_calibration_and_the_comparison_with_bfloat16_are_read(model_path: Path) -> None:
    calibration = {"method": "temperature scaling", "temperature": 0.87}
    for agrees in (True, False):
        card = read(model_path, calibrated=True, calibration=calibration, bfloat16={"agrees": agrees, "eyes": 895})
        assert (card.calibrated, card.temperature, card.bfloat16_agrees) == (True, 0.87, agrees)


def test_whether_crops_are_filled_is_read(model_path: Path) -> None:
    assert not read(model_path).fills_crops
    assert read(model_path, fills_crops=True).fills_crops
    with pytest.raises(StartupError, match="fills_crops must be true or false"):
        read(model_path, fills_crops="yes")


def test_the_least_confidence_of_each_class_is_read(model_path: Path) -> None:
    assert read(model_path).least_confidence is None
    assert read(model_path, least_confidence={"Ill": 0.8, "Healthy": 0.5}).least_confidence == (0.5, 0.8)
    for wrong in ({"Ill": 0.8}, {"Ill": 0.8, "Healthy": 1.5}, {"Ill": 0.8, "Healthy": True}):
        with pytest.raises(StartupError, match=r"least_confidence\.Healthy must be a number from 0 to 1"):
            read(model_path, least_confidence=wrong)


RATES = {"Healthy": 0.1, "Ill": 0.7}
RELIABILITY = {
    "prevalence": {"Healthy": 0.6, "Ill": 0.4},
    "ranges": {"Healthy": [], "Ill": [{"least": 0, "rates": RATES, "answers": 40}, {"least": 0.9, "rates": RATES}]},
}


def test_how_often_answers_were_right_is_read(model_path: Path) -> None:
    assert read(model_path).reliability is None
    ill = (ScoreRange(0.0, (0.1, 0.7)), ScoreRange(0.9, (0.1, 0.7)))
    assert read(model_path, reliability=RELIABILITY).reliability == Reliability(((), ill), (0.6, 0.4))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"prevalence": {"Healthy": 0.6}}, "reliability.prevalence.Ill must be a number from 0 to 1"),
        ({"prevalence": {"Healthy": 0.6, "Ill": 0.5}}, "reliability.prevalence must add up to 1"),
        ({"prevalence": 1}, "prevalence must be an object"),
        ({"ranges": {"Healthy": []}}, "reliability.ranges.Ill must be a list of objects"),
        ({"ranges": {"Healthy": [1], "Ill": []}}, "reliability.ranges.Healthy must be a list of objects"),
        ({"ranges": {"Healthy": [], "Ill": [{"least": 2, "rates": RATES}]}}, "reliability.ranges.Ill: least must be"),
        ({"ranges": {"Healthy": [], "Ill": [{"least": 0}]}}, "reliability.ranges.Ill: rates.Healthy must be"),
        ({"ranges": {"Healthy": [], "Ill": [{"least": 0.5, "rates": RATES}] * 2}}, "in the order of rising least"),
    ],
)
def test_wrong_figures_stop_the_start(model_path: Path, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(StartupError, match=sentence):
        read(model_path, reliability=RELIABILITY | wrong)


WEIGHTS = base64.b64encode(np.array([0.5, -2], "<f4").tobytes()).decode()
OTHER_CONDITION = {"weights": WEIGHTS, "bias": -1, "most": 0.4, "flagged": 0.7}


def test_how_other_conditions_are_told_is_read(model_path: Path) -> None:
    assert read(model_path).other_condition is None
    check = read(model_path, other_condition=OTHER_CONDITION).other_condition
    assert check is not None
    assert (check.head.weights.tolist(), check.head.bias, check.most) == ([0.5, -2.0], -1.0, 0.4)


@pytest.mark.parametrize(
    "wrong",
    [{"weights": 1}, {"weights": ""}, {"weights": "AAA="}, {"weights": "not base64"}, {"weights": "AADAfw=="},
     {"bias": None}, {"bias": "x"}, {"bias": float("nan")}, {"most": 2}, {"most": None}],
)  # fmt: skip
def test_what_tells_no_other_condition_is_refused(model_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(StartupError, match=r"other_condition(\.most must be| needs weights)"):
        read(model_path, other_condition=OTHER_CONDITION | wrong)


def test_the_familiarity_check_is_read(model_path: Path, familiarity: dict[str, Any]) -> None:
    check = read(model_path, familiarity=familiarity).familiarity
    assert check is not None
    assert check.layer == "backbone/last"
    assert check.statistics.typical == 1.5
    assert check.statistics.components.shape == (8, 2)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"{}", b"[]", b"5", b'{"classes": 5, "sha256": ""}', b"[" * 100_000, b"\xff\xfe\x00"]
)
def test_what_is_no_card_is_refused(model_path: Path, content: bytes) -> None:
    model_path.with_suffix(".json").write_bytes(content)
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


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layer": None}, "familiarity needs layer, statistics and sha256"),
        ({"statistics": None}, "familiarity needs layer, statistics and sha256"),
        ({"sha256": None}, "familiarity needs layer, statistics and sha256"),
        ({"statistics": ""}, "the name of a file beside the card"),
        ({"statistics": "../statistics.npz"}, "the name of a file beside the card"),
        ({"statistics": "/etc/hostname"}, "the name of a file beside the card"),
        ({"statistics": "folder/statistics.npz"}, "the name of a file beside the card"),
        ({"statistics": "absent.npz"}, r"there is no file .*absent\.npz"),
        ({"sha256": "0" * 64}, r"familiarity\.sha256 is not that of .*statistics\.npz"),
    ],
)
def test_a_familiarity_check_needs_all_its_parts_and_its_own_statistics_beside_the_card(
    model_path: Path, familiarity: dict[str, Any], change: dict[str, str | None], sentence: str
) -> None:
    section = {name: value for name, value in (familiarity | change).items() if value is not None}
    with pytest.raises(StartupError, match=sentence):
        read(model_path, familiarity=section)


def test_statistics_that_are_none_are_refused(model_path: Path, familiarity: dict[str, Any]) -> None:
    file = model_path.with_name(familiarity["statistics"])
    file.write_bytes(b"text")
    familiarity["sha256"] = hashlib.sha256(b"text").hexdigest()
    with pytest.raises(StartupError, match=r"statistics\.npz: it is not an \.npz file"):
        read(model_path, familiarity=familiarity)
