"""A photo goes in, a card per eye comes out."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from lab.common.backend import ServiceProcess
from src.utils.preprocessing import resize
from tests.browser.conftest import OpenPage
from tests.browser.demo_page import DemoPage
from tests.contract.payloads import picture_bytes

# What a browser hands over when something is dropped or pasted.
HAND_OVER = """([kind, encoded, count]) => {
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  for (let at = 0; at < count; at += 1) transfer.items.add(new File([bytes], `${at}.png`, { type: "image/png" }));
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true });
  document.body.dispatchEvent(event);
}"""


def scores_on(page: DemoPage, eye: str) -> dict[str, str]:
    rows = page.page.query_selector_all(f"[data-eye={eye}] .score")
    return {
        (row.query_selector("dt") or row).inner_text().split(",")[0].strip(): (
            row.query_selector(".score-value") or row
        ).inner_text()
        for row in rows
    }


def test_a_portrait_becomes_a_card_per_eye_that_shows_what_the_service_answers(
    open_page: OpenPage, service: ServiceProcess, portrait_file: Path
) -> None:
    page = open_page()
    page.send(portrait_file, until="result")
    (sent,) = page.payloads("upload")
    answer = service.client.post("/upload", json=sent).json()

    assert base64.b64decode(sent["image"].split(",")[1]) == portrait_file.read_bytes()
    cards = page.page.eval_on_selector_all(".eye", "cards => cards.map((card) => card.dataset.eye)")
    assert cards == ["right_eye", "left_eye"]
    for eye in cards:
        assert "Most like: Healthy" in page.eye(eye)
        assert re.search(r"Confidence: \d\d\.\d%", page.eye(eye))
        assert "answers like this one" in page.eye(eye)
        assert page.page.query_selector(f"[data-eye={eye}][data-inconclusive]") is None
    assert page.page.evaluate("document.activeElement.id") == "result-heading"
    assert page.text("#announcer") == "The answer is here. Right eye: Most like: Healthy. Left eye: Most like: Healthy."
    for eye in cards:
        percents = {name: f"{score:.1f}%" for name, score in answer[eye]["average_scores"].items()}
        shown = scores_on(page, eye)
        assert list(shown) == list(percents)
        for name, text in shown.items():
            assert float(text.rstrip("%")) == pytest.approx(answer[eye]["average_scores"][name], abs=0.051)
        for view, field in (("photo", "image_preview"), ("heat", "grad_cam_preview")):
            assert page.page.get_attribute(f"[data-eye={eye}] .{view} img", "src") == answer[eye][field]
    assert answer["model"]["hash"] in page.text("#about")
    assert answer["model"]["precision"] in page.text("#about")


def test_the_slider_fades_the_heatmap_over_the_picture(open_page: OpenPage, portrait_file: Path) -> None:
    page = open_page()
    page.send(portrait_file, until="result")
    slider = page.page.locator("[data-eye=left_eye] input[type=range]")

    def opacity(eye: str) -> str:
        return str(page.page.eval_on_selector(f"[data-eye={eye}] .heat", "heat => getComputedStyle(heat).opacity"))

    before = opacity("right_eye")
    slider.press("Home")
    assert opacity("left_eye") == "0"
    slider.press("End")
    assert opacity("left_eye") == "1"
    assert slider.get_attribute("aria-valuetext") == "100% heatmap"
    assert opacity("right_eye") == before
    measure = "pictures => pictures.map((picture) => JSON.stringify(picture.getBoundingClientRect()))"
    photo, heat = page.page.eval_on_selector_all("[data-eye=left_eye] .views img", measure)
    assert photo == heat


def test_the_next_photo_replaces_the_last_and_one_of_one_eye_is_one_card(
    open_page: OpenPage, portrait_file: Path, eye_file: Path
) -> None:
    page = open_page()
    page.send(portrait_file, until="result")
    assert page.text("#result-heading") == "Two eyes found"
    page.page.click("#result [data-start-over]")
    page.wait_for("ready")
    assert page.page.is_visible("#camera-open")
    page.send(eye_file, until="result")

    assert page.page.locator(".eye").count() == 1
    assert page.text("#result-heading") in ("One eye found", "Perhaps one eye")
    assert "Not detected" not in page.text("#eyes")


def test_an_inconclusive_answer_stands_back_and_says_why(open_page: OpenPage, dim_file: Path) -> None:
    page = open_page()
    page.send(dim_file, until="result")

    for eye in ("right_eye", "left_eye"):
        assert page.page.query_selector(f"[data-eye={eye}][data-inconclusive]") is not None
        text = page.eye(eye)
        assert "Inconclusive" in text
        assert "but do not rely on it." in text
        assert "The eye is nearly black. Turn to a window or a lamp" in text
        assert "not to be relied on" in text
        assert "Calibrated" not in text
    assert "Right eye: Inconclusive. Most like:" in page.text("#announcer")


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_photo_may_be_dropped_or_pasted_anywhere(open_page: OpenPage, eye_file: Path, kind: str) -> None:
    page = open_page()
    page.page.evaluate(HAND_OVER, [kind, base64.b64encode(eye_file.read_bytes()).decode(), 2])
    page.wait_for("result")

    assert "Most like: Healthy" in page.text("#eyes")
    assert page.text("#result-notes") == "Only the first of 2 files was taken."


def test_a_photo_that_is_too_large_is_sent_smaller_and_that_is_said(open_page: OpenPage, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    enlarged = resize(np.asarray(data.astronaut()), 6400, 6400)
    huge.write_bytes(picture_bytes(enlarged, "JPEG", quality=80, progressive=True))
    page = open_page()
    page.send(huge, until="result")

    assert len(page.payloads("upload")) == 2
    assert "was sent smaller, 4096 \u00d7 4096 pixels." in page.text("#result-notes")
    # In shares of the picture the eyes are where they are in the portrait of 512 x 512.
    (right, left) = page.boxes()
    assert right == pytest.approx((185 / 512, 77 / 512, 38 / 512, 38 / 512), abs=0.02)
    assert left == pytest.approx((227 / 512, 80 / 512, 39 / 512, 37 / 512), abs=0.02)
    page.expect_failures(413)


def test_a_format_that_only_the_browser_reads_is_converted(open_page: OpenPage, tmp_path: Path) -> None:
    animation = tmp_path / "portrait.gif"
    animation.write_bytes(picture_bytes(np.asarray(data.astronaut()), "GIF"))
    page = open_page()
    page.send(animation, until="result")

    assert page.payloads("upload")[0]["image"].startswith("data:image/jpeg;base64,")
    assert "converted to JPEG by the browser" in page.text("#result-notes")


def test_cancelling_stops_the_request(open_page: OpenPage, eye_file: Path) -> None:
    page = open_page()
    failed: list[str] = []
    page.page.on("requestfailed", lambda request: failed.append(request.url))
    # Held back on its way, so that there is time to press the button.
    page.page.route("**/upload", lambda _route: None)
    page.send(eye_file)
    page.page.click("#cancel")
    page.wait_for("ready")
    page.page.wait_for_selector("#announcer:has-text('Cancelled.')", state="attached")

    assert [url.rsplit("/", 1)[1] for url in failed] == ["upload"]
    assert page.page.is_hidden("#result")
