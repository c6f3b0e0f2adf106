"""Light and dark, phone and paper; readable for everybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from lab.common.backend import ServiceProcess
from src.core.wording import NOTICE
from tests.browser.conftest import OpenPage
from tests.browser.demo_page import DemoPage

STATES = ("ready", "camera", "result", "inconclusive", "problem", "no_eye")
PHONE = {"width": 320, "height": 640}


@pytest.fixture
def files(portrait_file: Path, dim_file: Path, no_picture_file: Path, no_eye_file: Path) -> dict[str, Path]:
    """What leads to the states that begin with a file."""
    return {"result": portrait_file, "inconclusive": dim_file, "problem": no_picture_file, "no_eye": no_eye_file}


def bring_to(page: DemoPage, state: str, files: dict[str, Path]) -> None:
    """Puts the page into one of STATES, with all that a person may see there."""
    if state == "camera":
        page.page.click("#camera-open")
        page.page.wait_for_selector("#camera[data-state=ready]")
    elif state != "ready":
        is_problem = state in ("problem", "no_eye")
        page.send(files[state], until="problem" if is_problem else "result")
        if is_problem:
            page.page.click("#key-open")
            page.expect_failures(400)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: OpenPage, files: dict[str, Path], state: str, scheme: str) -> None:
    """Contrast of WCAG 2.2 AA, names, roles, headings, focus: https://github.com/dequelabs/axe-core."""
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    bring_to(page, state, files)
    found = Axe().run(page.page)

    assert found.violations_count == 0, found.generate_report()


def test_the_system_chooses_the_colours_until_the_reader_does(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")

    def ground() -> str:
        return str(page.page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    dark = ground()
    page.page.click("#theme-toggle")
    light = ground()
    page.page.click("#theme-toggle")

    assert [sum(map(int, re.findall(r"\d+", colour))) < 384 for colour in (dark, light, ground())] == [
        True,
        False,
        True,
    ]
    assert page.page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.parametrize("state", STATES)
def test_nothing_is_wider_than_a_small_phone_and_the_notice_is_always_in_sight(
    open_page: OpenPage, files: dict[str, Path], state: str
) -> None:
    page = open_page(viewport=PHONE, reduced_motion="reduce")
    bring_to(page, state, files)
    assert page.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    box = page.page.locator("#notice").bounding_box()
    assert box is not None
    assert (round(box["y"]), round(box["width"])) == (0, PHONE["width"])
    assert page.text("#notice") == "Not a medical device. It does not replace an examination."


def test_the_notice_says_what_answers_say_and_is_there_without_any_script(open_page: OpenPage) -> None:
    page = open_page()
    assert "not a medical device" in NOTICE
    assert page.text("#notice").split(". ")[1] in NOTICE
    source = page.page.request.get(page.page.url).text()
    assert '<strong data-text="noticeStrong">Not a medical device.</strong>' in source
    assert "It does not replace an examination." in source


@pytest.mark.parametrize("state", ["result", "inconclusive"])
def test_the_report_is_one_page_of_paper(open_page: OpenPage, files: dict[str, Path], state: str) -> None:
    page = open_page(color_scheme="dark")
    bring_to(page, state, files)
    paper = page.page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1

    page.page.emulate_media(media="print")
    for selector in ("#notice", "#result-date", ".photo img", ".heat img", ".score", ".verdict", "#about code"):
        assert page.page.is_visible(selector), selector
    for selector in (".fader", "#print", ".top", ".bottom", "#sent"):
        assert page.page.is_hidden(selector), selector
    assert page.text("#result-heading") == "EyeNet report"
    left, right = (page.page.locator(f"[data-eye=right_eye] .{view} img").bounding_box() for view in ("photo", "heat"))
    assert left is not None
    assert right is not None
    assert left["x"] + left["width"] <= right["x"]
    assert left["y"] == right["y"]
    assert page.page.eval_on_selector(".heat", "heat => getComputedStyle(heat).opacity") == "1"


def test_who_wants_no_motion_gets_none(open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    assert page.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    page.page.evaluate("document.querySelector('#progress').hidden = false")
    page.page.evaluate("document.querySelector('#analyse-bar').removeAttribute('value')")
    name = page.page.eval_on_selector("#analyse-bar", "bar => getComputedStyle(bar).animationName")
    assert name == "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_of_the_docs_the_style_is_applied_it_fits_the_notice_stays_in_sight_and_nothing_else_is_needed(
    browser: Browser, service: ServiceProcess, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    requests: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda sent: requests.append(sent.url))
    page.on("console", lambda message: complaints.append(message.text))
    url = f"http://127.0.0.1:{service.port}/docs"
    page.goto(url)
    assert page.evaluate("getComputedStyle(document.querySelector('.operation')).borderRadius") == "14px"
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    box = page.locator(".notice").bounding_box()
    assert box is not None
    assert box["y"] == pytest.approx(0, abs=1)
    # Also in what is folded up.
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    context.close()
    assert complaints == []
    assert [sent for sent in requests if not sent.startswith("data:")] == [url]
