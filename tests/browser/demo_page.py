"""The page as a person has it in front of them, with a record of what it asks for and complains of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Request

from lab.common.waiting import wait_until

# The machine may be busy: a wait that is over early costs nothing.
PATIENCE_MILLISECONDS = 120_000
# Chromium does not tell Playwright what is in a body that is a Blob.
_KEEP_BODIES = """window.bodies = [];
const { open, send } = XMLHttpRequest.prototype;
XMLHttpRequest.prototype.open = function (method, url) { this.path = url; return open.apply(this, arguments); };
XMLHttpRequest.prototype.send = function (body) { bodies.push([this.path, body]); return send.call(this, body); };"""
_READ_BODIES = """async (path) => Promise.all(
  bodies.filter(([sentTo]) => sentTo.split("?")[0] === path).map(async ([, body]) => JSON.parse(await body.text())))"""

_MEASURE_BOXES = """() => {
  const photo = document.querySelector(".boxed img").getBoundingClientRect();
  return [...document.querySelectorAll(".box")].map((box) => box.getBoundingClientRect()).map((box) => [
    (box.x - photo.x) / photo.width, (box.y - photo.y) / photo.height,
    box.width / photo.width, box.height / photo.height,
  ]);
}"""


class DemoPage:
    """One tab.

    Attributes:
        page: Playwright's page.
        requests: all that it sent, other schemes than http included.
        complaints: console messages and uncaught errors.
    """

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self._base_url = base_url
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        # Playwright puts an attribute on its handlers, which a built-in method cannot have.
        page.on("request", lambda request: self.requests.append(request))
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.add_init_script(_KEEP_BODIES)
        page.goto(base_url)
        page.wait_for_selector("#health-text:not(:empty)")

    def send(self, file: Path, until: str | None = None) -> None:
        """Chooses the file, which sends it; waits for the state, if one is named."""
        self.page.set_input_files("#file", file)
        if until is not None:
            self.wait_for(until)

    def wait_for(self, state: str) -> None:
        """Until the page is in this state: ready, camera, working, result or problem."""
        self.page.wait_for_selector(f"body[data-state={state}]")

    def wait_for_posts(self, count: int) -> None:
        """Until this many requests have been posted."""
        # Not Playwright's wait_for_function: the page's own policy forbids the eval that it makes.
        wait_until(lambda: self.page.evaluate("bodies.length") >= count, f"{count} requests from the page")

    def text(self, selector: str) -> str:
        return " ".join(self.page.inner_text(selector).split())

    def eye(self, name: str) -> str:
        """The text of an eye's card: right_eye, left_eye or unknown."""
        return self.text(f"[data-eye={name}]")

    def boxes(self) -> list[tuple[float, ...]]:
        """What is drawn on the photo, from the top: x, y, width, height, as shares of the photo as it is shown."""
        self.page.wait_for_selector(".boxed")
        return [tuple(box) for box in self.page.evaluate(_MEASURE_BOXES)]

    def payloads(self, path: str) -> list[Any]:
        """What was posted to the path, read again from JSON."""
        return list(self.page.evaluate(_READ_BODIES, path))

    def expect_failures(self, *statuses: int) -> None:
        """Chromium itself tells of every error status; these were the point of the test, and no others came."""
        for status in statuses:
            told = next((line for line in self.complaints if f"a status of {status} " in line), None)
            assert told, f"no status {status} in {self.complaints}"
            self.complaints.remove(told)

    def foreign_requests(self) -> list[str]:
        """What went to another host; pictures inside the page go nowhere."""
        return [
            request.url
            for request in self.requests
            if not request.url.startswith((self._base_url, "data:", f"blob:{self._base_url}"))
        ]
