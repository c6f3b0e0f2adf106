"""What came out is counted once, told in plain words, and harmless in a spreadsheet."""

from __future__ import annotations

import codecs
import csv
import io

import pytest

from src.cli.screening.picture_search import PictureSearch
from src.cli.screening.record import PictureRecord
from src.cli.screening.tables import count, in_reading_order, reason_in_words, render_eyes, shown_name, summary
from src.core.types import Reason
from src.services.picture_file import Refusal
from tests.unit.cli.screening.records import CLASSES, make_eye, make_record


def test_everything_is_counted_once() -> None:
    records = [
        make_record("a.jpg", make_eye(10), make_eye(90, side="right")),
        make_record("b.jpg", make_eye(60, "blurry", "too_dark")),
        make_record("c.jpg", make_eye(45, "blurry")),
        make_record("d.jpg", refusal=Refusal("not_a_picture", "why")),
    ]
    tally = count(records, CLASSES)
    assert (tally.pictures, tally.unanswered, tally.eyes, tally.inconclusive) == (4, 1, 4, 2)
    assert tally.verdicts == {"Healthy": (1, 1), "Stye": (1, 1)}
    assert tally.reasons == {"blurry": 2, "too_dark": 1}


def test_the_doubtful_come_first_then_the_least_confident() -> None:
    records = [
        make_record("sure.jpg", make_eye(1)),
        make_record("less.jpg", make_eye(30)),
        make_record("doubt.jpg", make_eye(2, "blurry")),
        make_record("more doubt.jpg", make_eye(45, "blurry")),
    ]
    order = [record.file for record, _ in in_reading_order(records)]
    assert order == ["more doubt.jpg", "doubt.jpg", "less.jpg", "sure.jpg"]


def test_the_console_says_what_is_wrong_and_why() -> None:
    records = [make_record("a.jpg", make_eye(10)), make_record("b.jpg", make_eye(60, "too_dark"))]
    records += [make_record(f"\x1b{n}.jpg", refusal=Refusal("not_a_picture", "damaged")) for n in range(12)]
    lines = summary(count(records, CLASSES), records, PictureSearch(passed_over=3))
    assert lines[0] == "14 pictures, 2 eyes, 1 of them inconclusive"
    assert lines[1:5] == ["  answered:", "         1  Healthy", "  inconclusive:", "         1  too dark"]
    assert lines[5] == "  without an answer: 12"
    assert lines[6] == "    \ufffd0.jpg: damaged"
    assert lines[-2:] == ["    and 2 more: see the report", "  other files, no pictures: 3"]


def test_the_console_names_what_was_not_looked_into_and_what_was_left_out() -> None:
    search = PictureSearch(unseen={"a\x1b": "a link to another folder"}, left_out=[f"@eaDir/{n}" for n in range(11)])
    assert summary(count([], CLASSES), [], search)[1:] == [
        "  not looked into: 1",
        "    a\ufffd: a link to another folder",
        "  left out, because hidden, deleted or copies of storage: 11",
        *[f"    @eaDir/{n}" for n in range(10)],
        "    and 1 more: see the report",
    ]


def test_every_reason_has_words_of_its_own_and_one_of_another_version_stays_as_it_is() -> None:
    words = {reason_in_words(reason.value) for reason in Reason}
    assert len(words) == len(Reason)
    assert not any("_" in text for text in words)
    assert reason_in_words("squinting") == "squinting"


def test_a_name_cannot_speak_to_a_terminal() -> None:
    assert shown_name("a\x1b]0;gotcha\x07\u202egpj.exe") == "a\ufffd]0;gotcha\ufffd\ufffdgpj.exe"


def rows(*records: PictureRecord) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(render_eyes(records, CLASSES).decode("utf-8-sig"), newline="")))


def test_there_is_a_row_per_eye_the_doubtful_first() -> None:
    table = rows(
        make_record("face.jpg", make_eye(10), make_eye(40, "low_confidence", "too_dark", side="right")),
        make_record("eye.jpg", make_eye(80, unfamiliarity=None)),
        make_record("broken.jpg", refusal=Refusal("not_a_picture", "why")),
    )
    assert [(row["file"], row["side"], row["best_prediction"]) for row in table] == [
        ("face.jpg", "right", "Healthy"),
        ("eye.jpg", "left", "Stye"),
        ("face.jpg", "left", "Healthy"),
    ]
    assert (table[0]["inconclusive"], table[0]["reasons"]) == ("true", "low_confidence too_dark")
    assert (table[1]["inconclusive"], table[1]["reasons"]) == ("false", "")
    assert (float(table[1]["confidence_percent"]), float(table[1]["Healthy_percent"])) == (80, 20)
    # What was not measured is empty.
    assert (table[1]["model_sha256"], table[1]["unfamiliarity"]) == ("ab" * 32, "")


def test_a_row_says_which_eye_it_is_from_what_that_is_known_and_where_it_is() -> None:
    told = make_eye(10, "low_confidence", side="right", side_from="caller")
    unknown = make_eye(10, side="unknown", box={"x": 0, "y": 0, "w": 444, "h": 408})
    table = rows(make_record("face_OD.jpg", told, faces_seen=2), make_record("eye.jpg", unknown, faces_seen=0))
    where = [[row[name] for name in ("eye", "side", "side_from", "box", "faces_seen")] for row in table]
    assert where == [
        ["right_eye", "right", "caller", "10 20 40 30", "2"],
        ["unknown_eye", "unknown", "", "0 0 444 408", "0"],
    ]


def test_what_was_added_stands_behind_what_was_there() -> None:
    (row,) = rows(make_record("a.jpg", make_eye(10)))
    assert list(row) == [
        *("file", "eye", "best_prediction", "inconclusive", "reasons", "confidence_percent"),
        *("Healthy_percent", "Stye_percent", "unfamiliarity", "found_by"),
        *("file_sha256", "model_sha256", "screened_at", "side", "side_from", "box", "faces_seen"),
        "expected_precision",
    ]


def test_how_often_such_an_answer_is_right_is_said_where_it_is_known() -> None:
    table = rows(make_record("a.jpg", make_eye(10, expected_precision=0.871)), make_record("b.jpg", make_eye(20)))
    assert {row["file"]: row["expected_precision"] for row in table} == {"a.jpg": "0.871", "b.jpg": ""}


def test_it_is_as_rfc_4180_says() -> None:
    content = render_eyes([make_record('a, "b".jpg', make_eye(10))], CLASSES)
    assert content.startswith(codecs.BOM_UTF8)
    assert content.count(b"\r\n") == content.count(b"\n") == 2
    assert b'"a, ""b"".jpg"' in content


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\uff1d"])
def test_no_name_is_a_formula_and_no_class_is_one(start: str) -> None:
    (row,) = rows(make_record(f"{start}cmd|' /C calc'!A0.jpg", make_eye(10)))
    assert row["file"] == f"'{start}cmd|' /C calc'!A0.jpg"
    eye = make_eye(10, best_prediction="=1+1", average_scores={"=1+1": 90.0})
    content = render_eyes([make_record("a.jpg", eye)], ["=1+1"]).decode("utf-8-sig")
    assert ',"\'=1+1_percent",' in content
    assert ',"\'=1+1","false"' in content


def test_no_part_of_a_name_is_a_cell_where_semicolons_separate() -> None:
    content = render_eyes([make_record("x;=1+1.jpg", make_eye(10))], CLASSES).decode("utf-8-sig")
    as_in_german = list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    assert not any(cell.startswith("=") for row in as_in_german for cell in row)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Müller 目.jpg", "Müller 目.jpg"), ("\udcff.jpg", "\ufffd.jpg"), ("a\nb\x1b[2J.jpg", "a\ufffdb\ufffd[2J.jpg")],
)
def test_any_name_can_be_written(name: str, shown: str) -> None:
    (row,) = rows(make_record(name, make_eye(10)))
    assert row["file"] == shown
