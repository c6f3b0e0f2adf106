"""The whole way without a mouse."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import OpenPage
from tests.browser.demo_page import DemoPage


def focused(page: DemoPage) -> str:
    return str(page.page.evaluate("document.activeElement.id || document.activeElement.className"))


def tab_to(page: DemoPage, identifier: str) -> list[str]:
    """Presses Tab until the element has the focus: what had it on the way."""
    way: list[str] = []
    while not way or way[-1] != identifier:
        page.page.keyboard.press("Tab")
        way.append(focused(page))
        assert len(way) < 25, way
    return way


def test_a_photo_from_choice_to_result(open_page: OpenPage, portrait_file: Path) -> None:
    page = open_page()
    # Registered before it can be needed: on a busy machine the key would be quicker than the registration.
    page.page.on("filechooser", lambda chooser: chooser.set_files(portrait_file))
    assert tab_to(page, "file") == ["skip", "theme-toggle", "which-not-said", "file"]
    outline = page.page.eval_on_selector(".drop", "drop => getComputedStyle(drop).outlineStyle")
    assert outline == "solid"
    page.page.keyboard.press("Enter")
    page.wait_for("result")

    assert focused(page) == "result-heading"
    page.page.keyboard.press("Tab")
    assert focused(page) == "print"
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Tab")
    assert page.page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "Heatmap over the picture, right eye"
    )
    page.page.keyboard.press("ArrowRight")
    assert page.page.evaluate("document.activeElement.getAttribute('aria-valuetext')") == "65% heatmap"
    page.page.keyboard.press("Shift+Tab")
    page.page.keyboard.press("Enter")
    page.wait_for("ready")
    assert focused(page) == "file"


def test_the_camera_from_opening_to_result(open_page: OpenPage) -> None:
    page = open_page()
    tab_to(page, "camera-open")
    page.page.keyboard.press("Enter")
    page.page.wait_for_selector("#camera[data-state=ready]")
    assert focused(page) == "camera-start"
    page.page.keyboard.press("Space")
    page.wait_for("result")

    assert focused(page) == "result-heading"


def test_the_skip_link_leads_to_the_photo(open_page: OpenPage) -> None:
    page = open_page()
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")

    assert focused(page) == "file"
