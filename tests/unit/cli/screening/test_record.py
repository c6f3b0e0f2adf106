"""Nothing that can change an answer is forgotten."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from src.cli.screening.picture_search import FoundPicture
from src.cli.screening.record import PictureRecord, conditions_of, record_of_eye
from src.config.settings import Settings
from src.core.types import Box, EyeReport, EyeSide, EyeSource, ModelInfo, Reason, SideSource
from src.services.judgement import Thresholds
from src.services.picture_file import Refusal
from tests.unit.cli.screening.records import make_eye, make_record

MODEL = ModelInfo("EyeNet", "ab" * 32, ("A", "B"), "multiply_1", "CPU", "2.14.1", True, "float32")


def test_they_are_the_same_when_read_back(settings: Settings) -> None:
    conditions = conditions_of(settings, MODEL)
    assert json.loads(json.dumps(conditions)) == conditions
    rarely_ill = conditions_of(settings.model_copy(update={"prevalence": (0.9, 0.1)}), MODEL)
    assert json.loads(json.dumps(rarely_ill)) == rarely_ill != conditions


@pytest.mark.parametrize(
    "name",
    [field.name for field in dataclasses.fields(Thresholds)]
    + ["crop_padding_x", "crop_padding_y", "max_image_pixels", "max_body_mb"],
)
def test_every_number_that_can_change_an_answer_counts(settings: Settings, name: str) -> None:
    other = settings.model_copy(update={name: (getattr(settings, name) or 0) + 1})
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


@pytest.mark.parametrize("name", ["a.jpg", 'ä, "b"/=c 目.jpg', "not-utf8-\udcff.jpg", "two\nlines.jpg"])
def test_a_line_comes_back_as_it_was(name: str) -> None:
    record = make_record(name, make_eye(20), make_eye(70, "blurry", side="right", heatmap=None))
    line = record.to_line()
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert PictureRecord.from_line(line) == record
    refused = make_record(name, refusal=Refusal("not_a_picture", "the picture is damaged or cut off"))
    assert PictureRecord.from_line(refused.to_line()) == refused


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"{", b"null", b"[]", b"{}", b'"text"', b"\xff", b"[" * 100_000),
        make_record("a.jpg").to_line().replace(b"{", b'{"more": 1, ', 1),
        # As versions wrote them that called an eye of unknown side the left one.
        make_record("a.jpg").to_line().replace(b'"faces_seen": 1, ', b""),
        make_record("a.jpg", make_eye(10))
        .to_line()
        .replace(b'"side": "left", "side_from": "face"', b'"eye": "left_eye"'),
    ],
)
def test_a_damaged_line_or_one_of_another_version_is_none_of_ours(line: bytes) -> None:
    assert PictureRecord.from_line(line) is None


@pytest.mark.parametrize("change", [{"name": "b.jpg"}, {"size": 11}, {"modified_ns": 21}])
def test_another_file_is_another_picture_and_other_conditions_are_another_answer(
    change: dict[str, object], tmp_path: object
) -> None:
    same = {"name": "a.jpg", "file": tmp_path, "size": 10, "modified_ns": 20}
    record = make_record("a.jpg")
    assert record.is_about(FoundPicture(**same), record.conditions)  # type: ignore[arg-type]
    assert not record.is_about(FoundPicture(**(same | change)), record.conditions)  # type: ignore[arg-type]
    for other in ({"model_sha256": "other"}, {"settings": {"MIN_CONFIDENCE": 0.7}}):
        assert not record.is_about(FoundPicture(**same), record.conditions | other)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "may_pass"), [("unreadable_file", True), ("internal_error", True), ("not_a_picture", False)]
)
def test_only_what_is_not_in_the_picture_may_pass(code: str, may_pass: bool) -> None:
    assert make_record("a.jpg", refusal=Refusal(code, "why")).may_pass is may_pass
    assert not make_record("a.jpg").may_pass


def test_an_eye_is_kept_in_the_words_and_units_of_the_api() -> None:
    crop = np.zeros((4, 4, 3), np.uint8)
    report = EyeReport(
        side=EyeSide.RIGHT,
        probabilities=np.array([0.25556, 0.74444], np.float32),
        best_class=1,
        frames_seen=1,
        preview=crop,
        overlay=None,
        source=EyeSource.EYE_CASCADE,
        confidence=0.74444,
        reasons=(Reason.BLURRY, Reason.TOO_DARK),
        box=Box(3, 5, 40, 30),
        side_from=SideSource.CALLER,
        unfamiliarity=0.12345,
        expected_precision=0.87654,
    )
    eye = record_of_eye(report, ("Healthy", "Stye"), "small.jpg", None)
    assert eye.average_scores == {"Healthy": 25.56, "Stye": 74.44}
    assert (eye.side, eye.side_from, eye.box) == ("right", "caller", {"x": 3, "y": 5, "w": 40, "h": 30})
    assert (eye.best_prediction, eye.confidence) == ("Stye", 74.44)
    assert (eye.inconclusive, eye.reasons, eye.unfamiliarity) == (True, ["blurry", "too_dark"], 0.123)
    assert eye.expected_precision == 0.877
    assert (eye.found_by, eye.preview, eye.heatmap) == ("eye_cascade", "small.jpg", None)
