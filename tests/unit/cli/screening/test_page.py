"""One page for people: safe, whole without a network, honest, and as usable in a browser as on paper."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.cli.screening.page import PageFacts, render_page, side_in_words
from src.cli.screening.picture_search import PictureSearch
from src.cli.screening.record import PictureRecord
from src.services.picture_file import Refusal
from src.utils.image_codec import encode_jpeg
from tests.html_reader import Reader
from tests.unit.cli.screening.records import CLASSES, CONDITIONS, make_eye, make_record

JPEG = b"\xff\xd8\xff\xe0 a picture"

Render = Callable[..., str]


@pytest.fixture
def facts() -> PageFacts:
    return PageFacts("clinic", CLASSES, CONDITIONS, PictureSearch(passed_over=2), left=0, made_at="26 November 2026")


@pytest.fixture
def render(facts: PageFacts) -> Render:
    def render(*records: PictureRecord, most_pictured: int = 100, **changes: Any) -> str:
        return render_page(replace(facts, **changes), records, lambda _name: JPEG, most_pictured)

    return render


def test_the_page_refers_to_no_other_place(render: Render) -> None:
    page = render(make_record("a.jpg", make_eye(10), make_eye(90, side="right")))
    reader = Reader(page)
    assert page.startswith("<!doctype html>\n")
    assert reader.open == []
    assert "prefers-color-scheme: dark" in page
    assert "\ufffd\ufffd目.jpg" in render(make_record("\udcff\n目.jpg", make_eye(10))).encode("utf-8").decode("utf-8")
    uri = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    assert reader.references == [uri] * 4
    for way_out in ("url(", "@import", "http://", "https://", "//cdn"):
        assert way_out not in page


def test_the_policy_lets_only_our_script_run(render: Render) -> None:
    page = render(make_record("a.jpg", make_eye(10)))
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    (policy,) = (found["content"] for found in Reader(page).having("http-equiv"))
    assert policy == (f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'")


def test_what_must_be_known_comes_first_and_the_model_and_the_settings_are_named(render: Render) -> None:
    text = Reader(render(make_record("a.jpg", make_eye(10)))).text
    for fact in ("ab" * 32, "MIN_CONFIDENCE=0.6", "no pictures: 2"):
        assert fact in text
    assert (
        text.index("not a medical device") < text.index("This page holds pictures of people") < text.index("Verdicts")
    )


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>.jpg", '" onload="alert(1)".jpg', "'&lt;.jpg", "{{ 7 * 7 }}.jpg"]
)
def test_names_cannot_become_markup(render: Render, name: str) -> None:
    def reader_of(title: str, file: str, why: str) -> Reader:
        records = make_record(file, make_eye(10)), make_record(file, refusal=Refusal("code", why))
        return Reader(render(*records, title=title, search=PictureSearch(unseen={file: why}, left_out=[file])))

    usual, odd = reader_of("clinic", "a.jpg", "why"), reader_of("<i>", name, "<b>why")
    assert odd.tags == usual.tags
    assert [found.keys() for found in odd.attributes] == [found.keys() for found in usual.attributes]
    # In its eye's row, and among the files without an answer, what was not looked into, and what was left out.
    assert odd.text.count(name) == usual.text.count("a.jpg") == 4


def test_the_doubtful_come_first_and_say_why(render: Render) -> None:
    reader = Reader(
        render(make_record("sure.jpg", make_eye(3)), make_record("doubt.jpg", make_eye(55, "blurry", "too_dark")))
    )
    rows = reader.having("data-file")
    assert [row["data-file"] for row in rows] == ["doubt.jpg", "sure.jpg"]
    assert [row["data-certainty"] for row in rows] == ["inconclusive", "answered"]
    assert [row["data-verdict"] for row in rows] == ["Stye", "Healthy"]
    assert re.search(r"Inconclusive\s*most like Stye\s*out of focus or moved\s*too dark", reader.text)


def test_files_without_an_answer_are_listed(render: Render) -> None:
    text = Reader(render(make_record("broken.jpg", refusal=Refusal("not_a_picture", "the picture is damaged")))).text
    assert "Files without an answer: 1" in text
    assert re.search(r"broken\.jpg\s*the picture is damaged", text)
    assert "No eye was found in any picture." in text


def test_it_says_what_is_not_finished_and_whether_scores_are_calibrated(render: Render) -> None:
    record = make_record("a.jpg", make_eye(10))
    assert "Not finished: 7 pictures" in render(record, left=7)
    search = PictureSearch(unseen={"b": "a link", "c.jpg": "no regular file"}, left_out=["@eaDir", ".b"])
    assert "Not looked into: b (a link), c.jpg (no regular file)." in render(record, search=search)
    assert "Left out, because hidden, deleted or copies of storage: @eaDir, .b." in render(record, search=search)
    assert "Not finished" not in render(record)
    assert "Not looked into" not in render(record)
    assert "The scores are calibrated" in render(record)
    assert "are not calibrated" in render(record, conditions=CONDITIONS | {"calibrated": False})


def test_every_picture_has_words_and_every_heading_its_scope(render: Render) -> None:
    reader = Reader(render(make_record("a.jpg", make_eye(10), make_eye(20, side="right"))))
    pictures = [found for tag, found in zip(reader.tags, reader.attributes, strict=True) if tag == "img"]
    assert {found["alt"] for found in pictures[::2]} == {
        "left eye, by the face, a.jpg",
        "right eye, by the face, a.jpg",
    }
    assert all(found["alt"] for found in pictures)
    headings = [found for tag, found in zip(reader.tags, reader.attributes, strict=True) if tag == "th"]
    assert all(found["scope"] in {"col", "row"} for found in headings)
    labelled = {found["for"] for found in reader.having("for")}
    assert labelled == {found["id"] for found in reader.having("id") if str(found["id"]).startswith("filter-")}


@pytest.mark.parametrize(
    ("side", "side_from", "words"),
    [
        ("left", "face", "left eye, by the face"),
        ("right", "inner_corner", "right eye, by its inner corner"),
        ("left", "caller", "left eye, by the name of the file or folder"),
        ("unknown", None, "one eye, side not known"),
    ],
)
def test_whose_eye_it_is_is_told_with_how_that_is_known_or_not_at_all(
    render: Render, side: str, side_from: str | None, words: str
) -> None:
    eye = make_eye(10, side=side, side_from=side_from)
    assert side_in_words(eye) == words
    text = Reader(render(make_record("a.jpg", eye))).text
    assert words in text
    assert ("left eye" in text) is (side == "left")


def test_where_the_eye_is_and_that_there_were_other_people_is_told(render: Render) -> None:
    alone, in_company = (
        " ".join(Reader(render(make_record("a.jpg", make_eye(10), faces_seen=faces))).text.split()) for faces in (1, 3)
    )
    assert "40 x 30 px at 10, 20" in alone
    assert "or more faces" not in alone
    assert "of the largest of 3 or more faces" in in_company


def test_a_flat_map_and_a_lost_picture_are_words(facts: PageFacts) -> None:
    records = [make_record("a.jpg", make_eye(10, heatmap=None))]
    assert "flat" in Reader(render_page(facts, records, lambda _name: JPEG)).text
    assert "gone" in Reader(render_page(facts, records, lambda _name: None)).text


def test_a_long_report_links_the_pictures_that_would_make_it_too_large(render: Render) -> None:
    reader = Reader(render(*(make_record(f"{n}.jpg", make_eye(n)) for n in range(3)), most_pictured=2))
    assert reader.tags.count("img") == 4
    assert [found["href"] for found in reader.having("href")] == [
        "previews/0123456789abcdef-left_eye.jpg",
        "previews/0123456789abcdef-left_eye-heatmap.jpg",
    ]
    assert "The pictures of the first 2 are on this page" in reader.text


OpenReport = Callable[..., Any]

_EYES = 130


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install -r requirements/dev.txt"
    )
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("needs Chromium; Debian, Ubuntu: apt install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_report(chromium: Any, facts: PageFacts, tmp_path: Path) -> Iterator[OpenReport]:
    """Opens a report of 130 eyes from the disk, as people do; every tenth eye is blurry.

    Afterwards the browser may have complained of nothing.
    """
    records = [
        make_record(f"photo {n}.jpg", make_eye(n / 2, *(["blurry"] if n % 10 == 0 else []), unfamiliarity=n / 100))
        for n in range(_EYES)
    ]
    jpeg = encode_jpeg(np.full((64, 64, 3), 128, np.uint8), 80)
    (tmp_path / "report.html").write_text(render_page(facts, records, lambda _name: jpeg), encoding="utf-8")
    complaints: list[str] = []
    contexts = []

    def open_it(**options: Any) -> Any:
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((tmp_path / "report.html").as_uri())
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


def shown(page: Any) -> list[str]:
    """The files of the rows that can be seen, in their order."""
    rows = page.locator("tr[data-file]").all()
    return [row.get_attribute("data-file") for row in rows if row.is_visible()]


class TestInABrowser:
    def test_it_opens_with_the_doubtful_first_a_hundred_eyes_at_a_time(self, open_report: OpenReport) -> None:
        page = open_report()
        first = shown(page)
        assert len(first) == 100
        assert set(first[:13]) == {f"photo {n}.jpg" for n in range(0, _EYES, 10)}
        assert page.locator("#place").inner_text() == "Page 1 of 2"
        page.get_by_role("button", name="Next").click()
        assert len(shown(page)) == 30
        assert set(shown(page)) & set(first) == set()
        assert page.get_by_role("button", name="Next").is_disabled()

    def test_a_heading_sorts_both_ways_numbers_as_numbers_and_says_so(self, open_report: OpenReport) -> None:
        page = open_report()
        heading = page.get_by_role("columnheader", name="File")
        heading.get_by_role("button").click()
        assert shown(page)[:3] == ["photo 0.jpg", "photo 1.jpg", "photo 2.jpg"]
        assert heading.get_attribute("aria-sort") == "ascending"
        heading.get_by_role("button").click()
        assert shown(page)[:2] == ["photo 129.jpg", "photo 128.jpg"]
        assert heading.get_attribute("aria-sort") == "descending"
        page.get_by_role("columnheader", name="Unfamiliarity").get_by_role("button").click()
        assert shown(page)[8:12] == ["photo 8.jpg", "photo 9.jpg", "photo 10.jpg", "photo 11.jpg"]

    def test_the_filters_work_together(self, open_report: OpenReport) -> None:
        page = open_report()
        page.get_by_label("Show").select_option("inconclusive")
        page.get_by_label("Most like").select_option("Stye")
        assert shown(page) == ["photo 110.jpg", "photo 120.jpg"]
        page.get_by_label("Find in").fill("PHOTO 12")
        assert shown(page) == ["photo 120.jpg"]
        assert page.get_by_role("status").inner_text() == "1 of 130 eyes"
        page.get_by_label("Find in").fill("no such photo")
        assert shown(page) == []

    def test_the_keyboard_sorts(self, open_report: OpenReport) -> None:
        page = open_report()
        page.get_by_label("Show").focus()
        for _ in range(3):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.closest('th')"):
                break
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort]").count() == 1

    @pytest.mark.parametrize("script", [True, False])
    def test_paper_and_a_browser_without_scripts_get_all_pages_and_no_controls(
        self, open_report: OpenReport, script: bool
    ) -> None:
        page = open_report(java_script_enabled=script)
        if script:
            page.emulate_media(media="print")
        assert len(shown(page)) == _EYES
        assert not page.get_by_label("Find in").is_visible()

    @pytest.mark.parametrize("width", [390, 768, 1280])
    def test_nothing_sticks_out_of_the_page(self, open_report: OpenReport, width: int) -> None:
        page = open_report(viewport={"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
