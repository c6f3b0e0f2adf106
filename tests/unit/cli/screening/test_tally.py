"""Counts and order of what came out."""

from __future__ import annotations

from src.cli.screening.reports import summary
from src.cli.screening.tally import count, in_reading_order
from src.services.picture_file import Refusal
from tests.unit.cli.screening.conftest import MakeEye, MakeRecord


def test_everything_is_counted_once(make_record: MakeRecord, make_eye: MakeEye) -> None:
    records = [
        make_record("a.jpg", make_eye(10), make_eye(90, eye="right_eye")),
        make_record("b.jpg", make_eye(60, "blurry", "too_dark")),
        make_record("c.jpg", make_eye(45, "blurry")),
        make_record("d.jpg", refusal=Refusal("not_a_picture", "why")),
    ]
    tally = count(records, ("Healthy", "Stye"))
    assert (tally.pictures, tally.unanswered, tally.eyes, tally.inconclusive) == (4, 1, 4, 2)
    assert tally.verdicts == {"Healthy": (1, 1), "Stye": (1, 1)}
    assert tally.reasons == {"blurry": 2, "too_dark": 1}


def test_the_doubtful_come_first_then_the_least_confident(make_record: MakeRecord, make_eye: MakeEye) -> None:
    records = [
        make_record("sure.jpg", make_eye(1)),
        make_record("less.jpg", make_eye(30)),
        make_record("doubt.jpg", make_eye(2, "blurry")),
        make_record("more doubt.jpg", make_eye(45, "blurry")),
    ]
    order = [record.file for record, _ in in_reading_order(records)]
    assert order == ["more doubt.jpg", "doubt.jpg", "less.jpg", "sure.jpg"]


def test_the_console_says_what_is_wrong_and_why(make_record: MakeRecord, make_eye: MakeEye) -> None:
    records = [make_record("a.jpg", make_eye(10)), make_record("b.jpg", make_eye(60, "too_dark"))]
    records += [make_record(f"\x1b{n}.jpg", refusal=Refusal("not_a_picture", "damaged")) for n in range(12)]
    lines = summary(count(records, ("Healthy", "Stye")), records, passed_over=3)
    assert lines[0] == "14 pictures, 2 eyes, 1 of them inconclusive"
    assert lines[1:5] == ["  answered:", "         1  Healthy", "  inconclusive:", "         1  too dark"]
    assert lines[5] == "  without an answer: 12"
    assert lines[6] == "    \ufffd0.jpg: damaged"
    assert lines[-2:] == ["    and 2 more: see the report", "  other files, no pictures: 3"]
