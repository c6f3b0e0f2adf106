"""The command compares both precisions of the shipped model, says what it found, and records it only if asked to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.model_file import read_model_card
from src.services.tensorflow_runtime import cpu_has_bfloat16, has_gpu
from src.utils.files import sha256_of
from src.utils.png_writer import encode_png
from training.compare_precision import MOST_POINTS, compare, main
from training.evaluation.examination import Case

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


def test_neither_a_folder_without_pictures_nor_the_card_of_another_model_will_do(
    data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("cannot compare: no pictures in ")
    card = json.loads(model.with_suffix(".json").read_text(encoding="utf-8")) | {"sha256": "0" * 64}
    model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    assert main(["--data", str(data), "--record"]) == 2
    assert "the card of another model" in capsys.readouterr().err


def test_the_shipped_card_tells_the_outcome_for_the_shipped_model(settings: Settings) -> None:
    card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
    outcome = card["bfloat16"]
    assert outcome["agrees"] == (outcome["class_changes"] == 0 and outcome["eyes_beyond_0.5_points"] == 0)
    assert outcome["eyes"] >= 895


def case(name: str, *percent: float) -> Case:
    return Case(name, 0, np.array(percent, np.float32) / 100)


def test_answers_agree_unless_a_class_changes_or_a_score_differs_by_more_than_half_a_point() -> None:
    first = [case("a", 70, 30)]
    same = compare(first, first)
    assert same.agrees
    assert (same.eyes, same.class_changes, same.beyond, same.largest_difference) == (1, 0, 0, 0)
    assert compare(first, [case("a", 70.4, 29.6)]).agrees
    far = compare(first, [case("a", 70.6, 29.4)])
    assert not far.agrees
    assert far.beyond == 1
    assert far.largest_difference == pytest.approx(0.6, abs=1e-4)
    assert far.largest_difference > MOST_POINTS
    # Another class does not agree however near the scores are.
    other = compare([case("a", 50.1, 49.9)], [case("a", 49.9, 50.1)])
    assert (other.class_changes, other.beyond, other.agrees) == (1, 0, False)


def test_the_quantiles_are_those_of_the_eyes_largest_differences() -> None:
    first = [case(str(number), 50, 30, 20) for number in range(101)]
    second = [case(str(number), 50 + number / 100, 30 - number / 100, 20) for number in range(101)]
    assert compare(first, second).quantiles == pytest.approx((0.5, 0.95, 0.99), abs=1e-3)


def test_runs_that_found_other_eyes_or_none_cannot_be_compared() -> None:
    one, other = case("a", 70, 30), case("b", 70, 30)
    for first, second in (([one], []), ([one], [other]), ([one], [one, other]), ([], [])):
        with pytest.raises(ValueError, match="same eyes"):
            compare(first, second)
