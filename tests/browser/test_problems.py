"""What goes wrong is a sentence with what to do about it, and another try where that makes sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from tests.services import Start

KEY = "key-of-this-very-test"


def error(status: int, code: str, sentence: str, headers: dict[str, str] | None = None) -> dict[str, object]:
    """An answer in the service's shape, for Playwright."""
    content = {"status_code": status, "body": {"error": sentence, "code": code}, "message": sentence}
    return {"status": status, "json": content, "headers": headers or {}}


def test_a_file_that_is_no_picture_is_said_to_be_none_and_a_good_photo_after_it_is_answered(
    open_page: OpenPage, no_picture_file: Path, eye_file: Path
) -> None:
    page = open_page()
    page.send(no_picture_file, until="problem")

    assert page.text("#problem-sentence") == (
        "The data is not a picture that can be read; send PNG, JPEG, WebP or BMP."
    )
    assert page.text("#problem-heading") == "That did not work"
    assert page.page.is_hidden("#problem-tips")
    assert "choose another" in page.text("#problem-advice")
    assert page.page.is_hidden("#problem-retry")
    page.page.click("#problem [data-start-over]")
    page.send(eye_file, until="result")
    assert page.page.is_hidden("#problem")
    page.expect_failures(400)


def test_a_photo_without_an_eye_is_told_with_how_to_take_one(open_page: OpenPage, no_eye_file: Path) -> None:
    page = open_page()
    tips = page.page.locator(".tips li").all_inner_texts()
    page.send(no_eye_file, until="problem")

    assert page.text("#problem-heading") == "No eye found"
    assert page.text("#problem-advice") == "Here is how one is found:"
    told = page.page.locator("[role=alert] #problem-tips li").all_inner_texts()
    assert [tip.strip() for tip in told] == [tip.strip() for tip in tips]
    assert any("both lids and both corners" in tip for tip in told)
    page.expect_failures(400)


def test_a_busy_service_is_asked_again_when_it_says_so(open_page: OpenPage, eye_file: Path) -> None:
    refusals = [error(503, "busy", "The service is busy. Try again soon.", {"Retry-After": "2"})] * 2
    page = open_page()
    page.page.route("**/upload", lambda route: route.fulfill(**refusals.pop()) if refusals else route.continue_())
    page.send(eye_file, until="problem")
    assert page.text("#problem-sentence") == "The service is busy. Try again soon."
    assert page.text("#problem-advice") == "Others are asking as well."
    assert page.text("#problem-countdown").startswith("Trying again in ")
    assert page.page.text_content("#problem-announcement") == "It will be tried again in 2 seconds."
    page.wait_for("result")

    assert len(page.payloads("upload")) == 3
    page.expect_failures(503, 503)


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [(429, "rate_limited", "Too many requests."), (503, "timed_out", "The request took too long.")],
)
def test_trying_again_can_be_stopped(
    open_page: OpenPage, eye_file: Path, status: int, code: str, sentence: str
) -> None:
    page = open_page()
    page.page.route(
        "**/upload", lambda route: route.fulfill(**error(status, code, sentence, {"Retry-After": "2"})), times=1
    )
    page.send(eye_file, until="problem")
    page.page.click("#problem-stop")
    page.page.wait_for_timeout(2500)

    assert page.page.is_hidden("#problem-countdown")
    assert len(page.payloads("upload")) == 1
    page.page.click("#problem-retry")
    page.wait_for("result")
    page.expect_failures(status)


def test_it_is_not_tried_for_ever(open_page: OpenPage, eye_file: Path) -> None:
    page = open_page()
    refusal = error(503, "busy", "Busy.", {"Retry-After": "1"})
    page.page.route("**/upload", lambda route: route.fulfill(**refusal))
    page.send(eye_file)
    page.wait_for_posts(6)
    page.wait_for("problem")
    page.page.wait_for_timeout(2500)

    assert len(page.payloads("upload")) == 6
    assert page.page.is_hidden("#problem-countdown")
    assert page.page.is_visible("#problem-retry")
    page.expect_failures(*[503] * 6)


def test_an_answer_in_another_shape_is_told_by_its_status(open_page: OpenPage, eye_file: Path) -> None:
    page = open_page()
    page.page.route(
        "**/upload", lambda route: route.fulfill(status=404, content_type="text/html", body="<h1>Not here</h1>")
    )
    page.send(eye_file, until="problem")

    assert "answered with status 404" in page.text("#problem-sentence")
    page.expect_failures(404)


def test_a_key_is_asked_for_sent_and_kept_in_the_tab_only(open_page: OpenPage, eye_file: Path, start: Start) -> None:
    with start(API_KEYS=KEY) as service:
        page = open_page(service)
        assert page.page.is_hidden("#key-form")
        page.send(eye_file, until="problem")
        assert page.text("#problem-sentence").startswith("A key is needed")
        for sent_before, typed in enumerate(("key-of-somebody-else", KEY), 1):
            assert page.page.evaluate("document.activeElement.id") == "key-field"
            page.page.keyboard.type(typed)
            page.page.keyboard.press("Enter")
            page.wait_for_posts(sent_before + 1)
            page.page.wait_for_selector("#key-form:not([hidden]), body[data-state=result]")
        assert "Most like: Healthy" in page.text("#eyes")

    assert page.page.is_hidden("#key-form")
    assert page.page.evaluate("[Object.values(sessionStorage), localStorage.length, document.cookie]") == [[KEY], 0, ""]
    page.page.click("#key-open")
    assert page.page.input_value("#key-field") == ""
    page.page.click("#key-forget")
    assert page.page.evaluate("sessionStorage.length") == 0
    page.expect_failures(401, 401)


def test_the_page_copes_with_a_start_the_old_envelope_and_a_stop(
    open_page: OpenPage, eye_file: Path, start: Start
) -> None:
    """One service of its own, from its first answer to its last."""
    with start(wait_until_healthy=False, LEGACY_ENVELOPE="true") as service:
        service.wait_for_health(503)
        page = open_page(service)
        page.send(eye_file)
        # On a fast machine the service may be ready by now.
        page.page.wait_for_selector("body[data-state=problem], body[data-state=result]")
        if page.page.is_visible("#problem"):
            assert "The service is starting" in page.text("#problem-sentence")
        service.wait_for_health(200)
        # The page tries a few times of itself; on a slow machine a person goes on. Looking and clicking are one step,
        # because the page may go on in between.
        page.page.evaluate(
            "document.getElementById('problem').hidden || document.getElementById('problem-retry').click()"
        )
        page.wait_for("result")
        assert "Most like: Healthy" in page.text("#eyes")
        page.page.wait_for_selector("#health[data-state=ready]")

        page.page.click("#result [data-start-over]")
        page.page.click("#camera-open")
        page.page.click("#camera-start:enabled")
        page.wait_for("result")
        # The old envelope of /predict leaves the model out; /health knows it.
        assert "calibrated" in page.text("#about")
        assert "not a probability" not in page.eye("left_eye")

        page.page.click("#result [data-start-over]")
        assert service.stop() == 0
        page.send(eye_file, until="problem")
    assert page.text("#problem-sentence") == "The service could not be reached."
    assert "Check the connection" in page.text("#problem-advice")
    assert page.page.is_visible("#problem-stop")
    # What Chromium says of /health while it starts, and of a connection that is refused.
    page.complaints = [text for text in page.complaints if "Failed to load resource" not in text]
