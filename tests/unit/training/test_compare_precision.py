"""The command compares both precisions of the shipped model, says what it found, and records it only if asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.model_file import read_model_card
from src.services.tensorflow_runtime import cpu_has_bfloat16, has_gpu
from src.utils.files import sha256_of
from src.utils.image_codec import encode_png
from training.compare_precision import main

needs_bfloat16 = pytest.mark.skipif(has_gpu() or not cpu_has_bfloat16(), reason="this processor has no bfloat16")


@pytest.fixture
def data(tmp_path: Path, face: RgbImage, eye_photo: RgbImage) -> Path:
    folder = tmp_path / "data" / "Healthy"
    folder.mkdir(parents=True)
    (folder / "face.png").write_bytes(encode_png(face))
    (folder / "eye.png").write_bytes(encode_png(eye_photo))
    return folder.parent


@pytest.fixture
def model(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped model and its card."""
    file = tmp_path / "model.h5"
    file.write_bytes(settings.model_path.read_bytes())
    card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
    card.pop("bfloat16", None)
    statistics = card["familiarity"]["statistics"]
    (tmp_path / statistics).write_bytes(settings.model_path.with_name(statistics).read_bytes())
    file.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setenv("MODEL_PATH", str(file))
    return file


def test_a_folder_without_pictures_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("cannot compare: no pictures in ")


@needs_bfloat16
def test_it_tells_how_far_three_eyes_differ_and_leaves_the_card_alone(
    data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = model.with_suffix(".json").read_bytes()
    status = main(["--data", str(data)])
    told = capsys.readouterr().out
    assert told.startswith("3 eyes in float32 and in bfloat16:")
    assert ("They agree." in told) == (status == 0)
    # Half of the digits do not give the same numbers: both precisions did run.
    assert "largest difference        0.00 points" not in told
    assert model.with_suffix(".json").read_bytes() == before


@needs_bfloat16
def test_what_it_records_is_what_the_service_reads(data: Path, model: Path) -> None:
    status = main(["--data", str(data), "--record"])
    recorded = json.loads(model.with_suffix(".json").read_text(encoding="utf-8"))["bfloat16"]
    assert recorded["eyes"] == 3
    assert recorded["agrees"] == (status == 0)
    assert read_model_card(model, sha256_of(model)).bfloat16_agrees == recorded["agrees"]


def test_the_card_of_another_model_is_not_written_to(
    data: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8")) | {"sha256": "0" * 64}
    model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    assert main(["--data", str(data), "--record"]) == 2
    assert "the card of another model" in capsys.readouterr().err


def test_the_shipped_card_tells_the_outcome_for_the_shipped_model(settings: Settings) -> None:
    card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
    outcome = card["bfloat16"]
    assert outcome["agrees"] == (outcome["class_changes"] == 0 and outcome["eyes_beyond_0.5_points"] == 0)
    assert outcome["eyes"] >= 895
