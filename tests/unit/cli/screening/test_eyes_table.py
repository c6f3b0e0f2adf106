"""The table opens in any spreadsheet, and runs nothing in it."""

from __future__ import annotations

import codecs
import csv
import io

import pytest

from src.cli.screening.eyes_table import render_eyes
from src.cli.screening.record import PictureRecord
from src.services.picture_file import Refusal
from tests.unit.cli.screening.conftest import MakeEye, MakeRecord

CLASSES = ("Healthy", "Stye")


def rows(*records: PictureRecord) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_eyes(records, CLASSES).decode("utf-8-sig"), newline="")))


def test_there_is_a_row_per_eye_the_doubtful_first(make_record: MakeRecord, make_eye: MakeEye) -> None:
    table = rows(
        make_record("face.jpg", make_eye(10), make_eye(40, "low_confidence", "too_dark", eye="right_eye")),
        make_record("eye.jpg", make_eye(80)),
        make_record("broken.jpg", refusal=Refusal("not_a_picture", "why")),
    )
    assert [(row["file"], row["eye"], row["best_prediction"]) for row in table] == [
        ("face.jpg", "right_eye", "Healthy"),
        ("eye.jpg", "left_eye", "Stye"),
        ("face.jpg", "left_eye", "Healthy"),
    ]
    assert (table[0]["inconclusive"], table[0]["reasons"]) == ("true", "low_confidence too_dark")
    assert (table[1]["inconclusive"], table[1]["reasons"]) == ("false", "")
    assert (float(table[1]["confidence_percent"]), float(table[1]["Healthy_percent"])) == (80, 20)
    assert table[1]["model_sha256"] == "ab" * 32


def test_it_is_as_rfc_4180_says(make_record: MakeRecord, make_eye: MakeEye) -> None:
    content = render_eyes([make_record('a, "b".jpg', make_eye(10))], CLASSES)
    assert content.startswith(codecs.BOM_UTF8)
    assert content.count(b"\r\n") == content.count(b"\n") == 2
    assert b'"a, ""b"".jpg"' in content


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
def test_no_name_is_a_formula(make_record: MakeRecord, make_eye: MakeEye, start: str) -> None:
    (row,) = rows(make_record(f"{start}cmd|' /C calc'!A0.jpg", make_eye(10)))
    assert row["file"] == f"'{start}cmd|' /C calc'!A0.jpg"


def test_a_class_may_not_be_one_either(make_record: MakeRecord, make_eye: MakeEye) -> None:
    eye = make_eye(10, best_prediction="=1+1", average_scores={"=1+1": 90.0})
    content = render_eyes([make_record("a.jpg", eye)], ["=1+1"]).decode("utf-8-sig")
    assert ',"\'=1+1_percent",' in content
    assert ',"\'=1+1","false"' in content


def test_no_part_of_a_name_is_a_cell_where_semicolons_separate(make_record: MakeRecord, make_eye: MakeEye) -> None:
    content = render_eyes([make_record("x;=1+1.jpg", make_eye(10))], CLASSES).decode("utf-8-sig")
    as_in_german = list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    assert not any(cell.startswith("=") for row in as_in_german for cell in row)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Müller 目.jpg", "Müller 目.jpg"), ("\udcff.jpg", "\ufffd.jpg"), ("a\nb\x1b[2J.jpg", "a\ufffdb\ufffd[2J.jpg")],
)
def test_any_name_can_be_written(make_record: MakeRecord, make_eye: MakeEye, name: str, shown: str) -> None:
    (row,) = rows(make_record(name, make_eye(10)))
    assert row["file"] == shown


def test_what_was_not_measured_is_empty(make_record: MakeRecord, make_eye: MakeEye) -> None:
    (row,) = rows(make_record("a.jpg", make_eye(10, unfamiliarity=None)))
    assert row["unfamiliarity"] == ""
