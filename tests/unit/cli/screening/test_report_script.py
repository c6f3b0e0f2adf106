"""The page's script in a real browser, from the disk, as people open it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.cli.screening.page import PageFacts, render_page
from src.utils.image_codec import encode_jpeg
from tests.unit.cli.screening.conftest import MakeEye, MakeRecord

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -r requirements/dev.txt")

_EYES = 130
_CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)

OpenReport = Callable[..., Any]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if _CHROMIUM is None:
        pytest.skip("needs Chromium; Debian, Ubuntu: apt install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_report(
    chromium: Any, tmp_path: Path, make_record: MakeRecord, make_eye: MakeEye, conditions: dict[str, Any]
) -> Iterator[OpenReport]:
    """Opens a report of 130 eyes, every tenth of them blurry; afterwards the browser may have complained of nothing."""
    records = [
        make_record(f"photo {n}.jpg", make_eye(n / 2, *(["blurry"] if n % 10 == 0 else []), unfamiliarity=n / 100))
        for n in range(_EYES)
    ]
    facts = PageFacts("clinic", ("Healthy", "Stye"), conditions, passed_over=0, left=0, made_at="today")
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


def test_it_opens_with_the_doubtful_first_a_hundred_eyes_at_a_time(open_report: OpenReport) -> None:
    page = open_report()
    first = shown(page)
    assert len(first) == 100
    assert set(first[:13]) == {f"photo {n}.jpg" for n in range(0, _EYES, 10)}
    assert page.locator("#place").inner_text() == "Page 1 of 2"
    page.get_by_role("button", name="Next").click()
    assert len(shown(page)) == 30
    assert set(shown(page)) & set(first) == set()
    assert page.get_by_role("button", name="Next").is_disabled()


def test_a_heading_sorts_both_ways_and_says_so(open_report: OpenReport) -> None:
    page = open_report()
    heading = page.get_by_role("columnheader", name="File")
    heading.get_by_role("button").click()
    assert shown(page)[:3] == ["photo 0.jpg", "photo 1.jpg", "photo 2.jpg"]
    assert heading.get_attribute("aria-sort") == "ascending"
    heading.get_by_role("button").click()
    assert shown(page)[:2] == ["photo 129.jpg", "photo 128.jpg"]
    assert heading.get_attribute("aria-sort") == "descending"


def test_numbers_sort_as_numbers(open_report: OpenReport) -> None:
    page = open_report()
    page.get_by_role("columnheader", name="Unfamiliarity").get_by_role("button").click()
    assert shown(page)[8:12] == ["photo 8.jpg", "photo 9.jpg", "photo 10.jpg", "photo 11.jpg"]


def test_the_filters_work_together(open_report: OpenReport) -> None:
    page = open_report()
    page.get_by_label("Show").select_option("inconclusive")
    page.get_by_label("Most like").select_option("Stye")
    assert shown(page) == ["photo 110.jpg", "photo 120.jpg"]
    page.get_by_label("Find in").fill("PHOTO 12")
    assert shown(page) == ["photo 120.jpg"]
    assert page.get_by_role("status").inner_text() == "1 of 130 eyes"
    page.get_by_label("Find in").fill("no such photo")
    assert shown(page) == []


def test_the_keyboard_sorts(open_report: OpenReport) -> None:
    page = open_report()
    page.get_by_label("Show").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('th')"):
            break
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort]").count() == 1


def test_paper_gets_all_pages_and_no_controls(open_report: OpenReport) -> None:
    page = open_report()
    page.emulate_media(media="print")
    assert len(shown(page)) == _EYES
    assert not page.get_by_label("Find in").is_visible()


def test_without_the_script_everything_is_there(open_report: OpenReport) -> None:
    page = open_report(java_script_enabled=False)
    assert len(shown(page)) == _EYES
    assert not page.get_by_label("Find in").is_visible()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_sticks_out_of_the_page(open_report: OpenReport, width: int) -> None:
    page = open_report(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
