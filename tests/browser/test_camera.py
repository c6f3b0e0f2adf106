"""The camera: three seconds, the sharpest frames, both eyes."""

from __future__ import annotations

import base64
import io

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, JSHandle, Route
from skimage import data

from lab.common.backend import ServiceProcess
from src.config.settings import PROJECT_ROOT
from tests.browser.conftest import OpenPage
from tests.browser.demo_page import DemoPage

NO_DEVICES = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"
NO_CAMERA = """navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NAME"));"""
# Chromium on Linux has no face finder of its own; where there is one, it answers like this.
FACE_FINDER = """window.FaceDetector = class {
  async detect() { return [{ boundingBox: { x: 1, y: 2, width: 3, height: 4 } },
                           { boundingBox: { x: 250, y: 70, width: 200, height: 260 } }]; }
};"""

SPOIL_THE_SECOND = """const { stringify } = JSON;
JSON.stringify = (frames) => {
  frames[1].image = "data:image/png;base64,AAAA";
  return stringify(frames);
};"""


def take_three_seconds(page: DemoPage) -> JSHandle:
    """Begins to; returns the camera's track."""
    page.page.click("#camera-open")
    page.page.wait_for_selector("#camera[data-state=ready]")
    track = page.page.evaluate_handle("document.querySelector('#camera-video').srcObject.getTracks()[0]")
    assert track.evaluate("track => track.readyState") == "live"
    page.page.click("#camera-start")
    return track


def test_three_seconds_of_camera_become_both_eyes_and_then_it_is_off(open_page: OpenPage) -> None:
    page = open_page()
    track = take_three_seconds(page)
    # By then the page has shown that it works; a state that passes might be missed.
    page.wait_for_posts(1)
    assert track.evaluate("track => track.readyState") == "ended"
    page.wait_for("result")
    (frames,) = page.payloads("predict")

    assert any(sent.url.endswith("/predict?mirrored=false") for sent in page.requests)
    assert len(frames) == 5
    for frame in frames:
        assert set(frame) == {"image", "score", "blur", "box"}
        assert 0 < frame["blur"] < 1
        assert (frame["score"], frame["box"]) == (None, None)
        picture = Image.open(io.BytesIO(base64.b64decode(frame["image"].removeprefix("data:image/png;base64,"))))
        width, height = picture.size
        assert width / height == pytest.approx(640 / 480, rel=0.01)
        assert 640 <= width <= 960
    for eye in ("right_eye", "left_eye"):
        assert "Most like: Healthy" in page.eye(eye)
        assert "Found by the landmarks of the face, in 5 pictures." in page.eye(eye)
    assert "Camera, 5 pictures" in page.text(".result-top")
    assert page.page.locator("#sent img").count() == 5
    assert page.page.locator(".box").count() == 0


def test_the_camera_can_be_closed(open_page: OpenPage) -> None:
    page = open_page()
    track = take_three_seconds(page)
    page.page.click("#camera-close")
    page.wait_for("ready")

    assert track.evaluate("track => track.readyState") == "ended"
    assert page.page.evaluate("document.activeElement.id") == "camera-open"
    page.page.wait_for_timeout(3500)
    assert page.payloads("predict") == []


@pytest.mark.parametrize(
    ("no_camera", "sentence"),
    [
        (NO_DEVICES, "only to pages that come over https or from localhost"),
        (NO_CAMERA.replace("NAME", "NotAllowedError"), "The browser did not allow the camera."),
        (NO_CAMERA.replace("NAME", "NotFoundError"), "No camera was found."),
        (NO_CAMERA.replace("NAME", "NotReadableError"), "The camera is in use by another program."),
        (NO_CAMERA.replace("NAME", "AbortError"), "The camera could not be started."),
    ],
)
def test_a_camera_that_cannot_be_had_is_a_sentence(open_page: OpenPage, no_camera: str, sentence: str) -> None:
    page = open_page(init_script=no_camera)
    page.page.click("#camera-open")
    page.page.wait_for_selector("#camera[data-state=failed]")

    assert sentence in page.text("#camera-text")
    assert page.page.is_hidden("#camera-start")
    page.page.click("#camera-close")
    page.wait_for("ready")


def test_a_face_that_the_browser_finds_is_a_hint_and_a_frame_that_cannot_be_read_is_told(open_page: OpenPage) -> None:
    page = open_page(init_script=FACE_FINDER + SPOIL_THE_SECOND)
    take_three_seconds(page)
    page.wait_for("result")

    for frame in page.payloads("predict")[0]:
        assert frame["box"] == {"x": 250, "y": 70, "w": 200, "h": 260}
    assert "1 picture of 5 could not be used; the others were. Picture 2: The data" in page.text("#result-notes")
    assert "in 4 pictures." in page.eye("right_eye")


# examples/frames.mjs, as a page of somebody else would use it.
RECORD_AND_PREDICT = """async () => {
  const { predict, record } = await import("/examples/frames.mjs");
  const video = document.createElement("video");
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  await video.play();
  const frames = await record(video, () => ({ score: 0.9, box: { x: 160, y: 60, w: 320, h: 360 } }));
  return { taken: frames.length, answer: await predict(location.origin, frames) };
}"""


def test_the_example_records_it_and_has_the_sharpest_frames_answered(browser: Browser, service: ServiceProcess) -> None:
    def example(route: Route) -> None:
        route.fulfill(
            path=PROJECT_ROOT / "examples" / route.request.url.rpartition("/")[2], content_type="text/javascript"
        )

    # The page is only there to have an origin; its policy is not the example's.
    context = browser.new_context(permissions=["camera"], bypass_csp=True)
    page = context.new_page()
    page.route("**/examples/*.mjs", example)
    page.goto(f"http://127.0.0.1:{service.port}/docs")
    outcome = page.evaluate(RECORD_AND_PREDICT)
    context.close()

    assert outcome["taken"] == 12
    assert [outcome["answer"]["body"][side]["frames_seen"] for side in ("left_eye", "right_eye")] == [5, 5]


# The page's measure of sharpness is OpenCV's, and the sharpest frames are chosen by it.
MEASURE = """async ([rgba, width, height]) => {
  const { greyLevels, laplacianVariance } = await import("/assets/web/sharpness.js");
  return laplacianVariance(greyLevels(rgba), width, height);
}"""
CHOOSE = """async (sharpnesses) => {
  const { sharpest } = await import("/assets/web/sharpness.js");
  return sharpest(sharpnesses.map((sharpness) => ({ sharpness })), 3).map((frame) => frame.sharpness);
}"""


def test_sharpness_is_the_variance_of_the_laplacian_and_the_sharpest_keep_their_order(open_page: OpenPage) -> None:
    page = open_page().page
    rgb = np.ascontiguousarray(data.astronaut()[60:140, 180:290])
    grey = rgb.astype(np.float64) @ [0.299, 0.587, 0.114]
    # Inside: what OpenCV makes up beyond the edges is not part of the measure.
    expected = cv2.Laplacian(grey, cv2.CV_64F)[1:-1, 1:-1].var()
    rgba = cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA)
    sharpness = page.evaluate(MEASURE, [rgba.ravel().tolist(), rgb.shape[1], rgb.shape[0]])
    assert sharpness == pytest.approx(expected, rel=1e-4)
    assert page.evaluate(CHOOSE, [5, 9, 1, 7, 8, 2]) == [9, 7, 8]
    assert page.evaluate(CHOOSE, [5, 5]) == [5, 5]


def test_a_browser_without_an_offscreen_canvas_takes_pictures_all_the_same(open_page: OpenPage) -> None:
    """Safari up to 16.3."""
    page = open_page(init_script="delete window.OffscreenCanvas;")
    take_three_seconds(page)
    page.wait_for("result")
    assert "Camera, 5 pictures" in page.text(".result-top")


# What browsers may refuse, out of memory or to protect their users, once the camera is open.
NO_PICTURES = {
    "no file of a canvas": "HTMLCanvasElement.prototype.toBlob = (take) => setTimeout(take, 0, null);",
    "no canvas at all": "HTMLCanvasElement.prototype.toBlob = () => { throw new DOMException('', 'SecurityError'); };",
    "no pixels": "CanvasRenderingContext2D.prototype.getImageData = () => { throw new DOMException(); };",
    "no context": "HTMLCanvasElement.prototype.getContext = () => null;",
    "no reading": "FileReader.prototype.readAsDataURL = function () { this.dispatchEvent(new Event('error')); };",
}


@pytest.mark.parametrize("script", NO_PICTURES.values(), ids=NO_PICTURES)
def test_pictures_that_cannot_be_taken_are_a_sentence_and_the_camera_is_off(open_page: OpenPage, script: str) -> None:
    page = open_page(init_script=script)
    track = take_three_seconds(page)
    page.page.wait_for_selector("#camera[data-state=failed]")

    assert "No pictures could be taken." in page.text("#camera-text")
    assert track.evaluate("track => track.readyState") == "ended"
    page.page.click("#camera-close")
    page.wait_for("ready")


def test_a_camera_that_is_pulled_out_is_a_sentence(open_page: OpenPage) -> None:
    page = open_page()
    track = take_three_seconds(page)
    track.evaluate("track => track.stop()")
    page.page.wait_for_selector("#camera[data-state=failed]")
    assert "No pictures could be taken." in page.text("#camera-text")


def test_a_camera_that_opens_and_shows_nothing_is_a_sentence_and_off(open_page: OpenPage) -> None:
    page = open_page(init_script="HTMLMediaElement.prototype.play = () => Promise.reject();")
    page.page.click("#camera-open")
    page.page.wait_for_selector("#camera[data-state=failed]")
    assert "The camera could not be started." in page.text("#camera-text")
    assert page.page.evaluate("document.querySelector('#camera-video').srcObject") is None


def test_a_face_finder_that_never_answers_is_not_waited_for(open_page: OpenPage) -> None:
    page = open_page(init_script="window.FaceDetector = class { detect() { return new Promise(() => {}); } };")
    take_three_seconds(page)
    page.wait_for("result")
    assert [frame["box"] for frame in page.payloads("predict")[0]] == [None] * 5
