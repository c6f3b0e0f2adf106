"""One page for people: safe, whole without a network, and honest."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from src.cli.screening import page as report_page
from src.cli.screening.page import PageFacts, render_page
from src.cli.screening.record import PictureRecord
from src.services.picture_file import Refusal
from tests.html_reader import Reader
from tests.unit.cli.screening.conftest import MakeEye, MakeRecord

JPEG = b"\xff\xd8\xff\xe0 a picture"

Render = Callable[..., str]


@pytest.fixture
def facts(conditions: dict[str, Any]) -> PageFacts:
    return PageFacts("clinic", ("Healthy", "Stye"), conditions, passed_over=2, left=0, made_at="26 November 2026")


@pytest.fixture
def render(facts: PageFacts) -> Render:
    def render(*records: PictureRecord, **changes: Any) -> str:
        return render_page(replace(facts, **changes), records, lambda _name: JPEG)

    return render


def test_the_page_refers_to_no_other_place(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    page = render(make_record("a.jpg", make_eye(10), make_eye(90, eye="right_eye")))
    reader = Reader(page)
    assert reader.open == []
    uri = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    assert reader.references == [uri] * 4
    for way_out in ("url(", "@import", "http://", "https://", "//cdn"):
        assert way_out not in page


def test_the_policy_lets_only_our_script_run(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    page = render(make_record("a.jpg", make_eye(10)))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    (policy,) = (found["content"] for found in Reader(page).having("http-equiv"))
    assert policy == (f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'")


def test_what_must_be_known_comes_first(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    text = Reader(render(make_record("a.jpg", make_eye(10)))).text
    assert (
        text.index("not a medical device") < text.index("This page holds pictures of people") < text.index("Verdicts")
    )


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.jpg", '" onload="alert(1)".jpg', "'&lt;.jpg"])
def test_names_cannot_become_markup(render: Render, make_record: MakeRecord, make_eye: MakeEye, name: str) -> None:
    usual = Reader(render(make_record("a.jpg", make_eye(10)), make_record("b.jpg", refusal=Refusal("code", "why"))))
    odd = Reader(
        render(make_record(name, make_eye(10)), make_record(name, refusal=Refusal("code", "<b>why")), title="<i>")
    )
    assert odd.tags == usual.tags
    assert [found.keys() for found in odd.attributes] == [found.keys() for found in usual.attributes]
    assert name in odd.text


def test_any_name_can_be_shown(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    page = render(make_record("\udcff\n目.jpg", make_eye(10)))
    assert "\ufffd\ufffd目.jpg" in page
    page.encode("utf-8")


def test_the_doubtful_come_first_and_say_why(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    reader = Reader(
        render(make_record("sure.jpg", make_eye(3)), make_record("doubt.jpg", make_eye(55, "blurry", "too_dark")))
    )
    rows = reader.having("data-file")
    assert [row["data-file"] for row in rows] == ["doubt.jpg", "sure.jpg"]
    assert [row["data-certainty"] for row in rows] == ["inconclusive", "answered"]
    assert [row["data-verdict"] for row in rows] == ["Stye", "Healthy"]
    assert "Inconclusivemost like Styeout of focus or movedtoo dark" in reader.text


def test_files_without_an_answer_are_listed(render: Render, make_record: MakeRecord) -> None:
    text = Reader(render(make_record("broken.jpg", refusal=Refusal("not_a_picture", "the picture is damaged")))).text
    assert "Files without an answer: 1" in text
    assert "broken.jpgthe picture is damaged" in text
    assert "No eye was found in any picture." in text


def test_an_unfinished_screening_says_so(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    assert "Not finished: 7 pictures" in render(make_record("a.jpg", make_eye(10)), left=7)
    assert "Not finished" not in render(make_record("a.jpg", make_eye(10)))


def test_it_says_whether_scores_are_calibrated(
    render: Render, make_record: MakeRecord, make_eye: MakeEye, conditions: dict[str, Any]
) -> None:
    record = make_record("a.jpg", make_eye(10))
    assert "The scores are calibrated" in render(record)
    assert "are not calibrated" in render(record, conditions=conditions | {"calibrated": False})


def test_every_picture_has_words_and_every_heading_its_scope(
    render: Render, make_record: MakeRecord, make_eye: MakeEye
) -> None:
    reader = Reader(render(make_record("a.jpg", make_eye(10), make_eye(20, eye="right_eye"))))
    pictures = [found for tag, found in zip(reader.tags, reader.attributes, strict=True) if tag == "img"]
    assert {found["alt"] for found in pictures[::2]} == {"left eye, a.jpg", "right eye, a.jpg"}
    assert all(found["alt"] for found in pictures)
    headings = [found for tag, found in zip(reader.tags, reader.attributes, strict=True) if tag == "th"]
    assert all(found["scope"] in {"col", "row"} for found in headings)
    labelled = {found["for"] for found in reader.having("for")}
    assert labelled == {found["id"] for found in reader.having("id") if str(found["id"]).startswith("filter-")}


def test_a_flat_map_and_a_lost_picture_are_words(facts: PageFacts, make_record: MakeRecord, make_eye: MakeEye) -> None:
    records = [make_record("a.jpg", make_eye(10, heatmap=None))]
    assert "flat" in Reader(render_page(facts, records, lambda _name: JPEG)).text
    assert "gone" in Reader(render_page(facts, records, lambda _name: None)).text


def test_a_long_report_links_the_pictures_that_would_make_it_too_large(
    render: Render, make_record: MakeRecord, make_eye: MakeEye, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_page, "MOST_PICTURED", 2)
    reader = Reader(render(*(make_record(f"{n}.jpg", make_eye(n)) for n in range(3))))
    assert reader.tags.count("img") == 4
    assert [found["href"] for found in reader.having("href")] == [
        "previews/0123456789abcdef-left_eye.jpg",
        "previews/0123456789abcdef-left_eye-heatmap.jpg",
    ]
    assert "The pictures of the first 2 are on this page" in reader.text


def test_it_is_light_or_dark_as_the_reader_likes_and_can_be_printed(render: Render, make_record: MakeRecord) -> None:
    page = render(make_record("a.jpg"))
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_it_names_the_model_and_the_settings(render: Render, make_record: MakeRecord, make_eye: MakeEye) -> None:
    text = Reader(render(make_record("a.jpg", make_eye(10)))).text
    assert "ab" * 32 in text
    assert "MIN_CONFIDENCE=0.6" in text
    assert "no pictures: 2" in text
