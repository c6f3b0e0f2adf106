"""The page at /docs in a real browser: its policy lets its own style through and nothing else is needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request

from lab.common.backend import ServiceProcess


@pytest.fixture(params=["light", "dark"])
def docs(browser: Browser, service: ServiceProcess, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Afterwards nothing was complained of, and only the page itself was asked for."""
    context = browser.new_context(color_scheme=request.param, java_script_enabled=True)
    page = context.new_page()
    requests: list[Request] = []
    complaints: list[str] = []
    page.on("request", lambda sent: requests.append(sent))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"http://127.0.0.1:{service.port}/docs")
    yield page
    context.close()
    assert complaints == []
    assert [sent.url for sent in requests if not sent.url.startswith("data:")] == [
        f"http://127.0.0.1:{service.port}/docs"
    ]


def test_its_style_is_applied_it_fits_the_notice_stays_in_sight_and_axe_finds_nothing(docs: Page) -> None:
    assert docs.evaluate("getComputedStyle(document.querySelector('.operation')).borderRadius") == "14px"
    docs.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    box = docs.locator(".notice").bounding_box()
    assert box is not None
    assert box["y"] == pytest.approx(0, abs=1)
    # Also in what is folded up.
    docs.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = Axe().run(docs)
    assert found.violations_count == 0, found.generate_report()
    docs.set_viewport_size({"width": 320, "height": 640})
    assert docs.evaluate("document.documentElement.scrollWidth") == 320
