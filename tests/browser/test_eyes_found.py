"""What is known of the eyes that were found: where they are, which they are, and of how many faces."""

from __future__ import annotations

import base64
import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from lab.common.backend import ServiceProcess
from tests.browser.conftest import OpenPage
from tests.browser.demo_page import DemoPage

NOT_DETECTED = {"best_prediction": "Not Detected"}
# EXIF, https://www.cipa.jp/std/documents/e/DC-X008-Translation-2019-E.pdf: tags and values.
ORIENTATION, TURNED_RIGHT = 0x0112, 6
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, INCH = 0x011A, 0x011B, 0x0128, 2
EXIF_IFD, PIXEL_X_DIMENSION, PIXEL_Y_DIMENSION = 0x8769, 0xA002, 0xA003


@pytest.fixture(scope="module")
def portrait_answer(service: ServiceProcess, portrait_file: Path) -> dict[str, Any]:
    image = base64.b64encode(portrait_file.read_bytes()).decode()
    return dict(service.client.post("/upload", json={"image": image}).json())


def shown(open_page: OpenPage, photo: Path, answer: dict[str, Any], **options: Any) -> DemoPage:
    """The page with an answer that is played: what a photo shows must not depend on what the search makes of it."""
    page = open_page(**options)
    page.page.route("**/upload", lambda route: route.fulfill(json=answer))
    page.send(photo, until="result")
    return page


def one_eye(answer: dict[str, Any], side: str, side_from: str | None, **others: Any) -> dict[str, Any]:
    """The answer to a photo in which only this eye was found."""
    eye = {**copy.deepcopy(answer["left_eye"]), "side": side, "side_from": side_from, **others}
    key, other = ("right_eye", "left_eye") if side == "right" else ("left_eye", "right_eye")
    return {**answer, key: eye, other: NOT_DETECTED}


def with_boxes(answer: dict[str, Any], **boxes: tuple[int, int, int, int]) -> dict[str, Any]:
    moved = copy.deepcopy(answer)
    for side, box in boxes.items():
        moved[f"{side}_eye"]["box"] = dict(zip("xywh", box, strict=True))
    return moved


def test_the_boxes_are_where_the_eyes_are_however_the_file_says_it_is_to_be_turned_and_scaled(
    open_page: OpenPage, service: ServiceProcess, tmp_path: Path
) -> None:
    """A browser shows such a picture upright, and at half its size."""
    upright = Image.fromarray(np.asarray(data.astronaut())[:400]).resize((1024, 800))
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    exif = lying.getexif()
    exif.update({ORIENTATION: TURNED_RIGHT, X_RESOLUTION: 144.0, Y_RESOLUTION: 144.0, RESOLUTION_UNIT: INCH})
    exif.get_ifd(EXIF_IFD).update({PIXEL_X_DIMENSION: lying.width // 2, PIXEL_Y_DIMENSION: lying.height // 2})
    file = io.BytesIO()
    lying.save(file, "JPEG", exif=exif)
    photo = tmp_path / "lying.jpg"
    photo.write_bytes(file.getvalue())
    image = base64.b64encode(file.getvalue()).decode()
    answer = service.client.post("/upload", json={"image": image}).json()
    page = open_page(viewport={"width": 390, "height": 844})
    page.send(photo, until="result")
    drawn = page.boxes()

    assert page.page.eval_on_selector(".boxed img", "image => image.naturalWidth") == 512
    boxes = sorted((answer[eye]["box"] for eye in ("right_eye", "left_eye")), key=lambda box: box["y"])
    assert len(drawn) == 2
    for box, share in zip(boxes, drawn, strict=True):
        expected = (box["x"] / 1024, box["y"] / 800, box["w"] / 1024, box["h"] / 800)
        assert share == pytest.approx(expected, abs=0.004)


def test_each_box_is_named_and_told_in_words(
    open_page: OpenPage, portrait_file: Path, portrait_answer: dict[str, Any]
) -> None:
    answer = with_boxes(portrait_answer, right=(10, 20, 60, 50), left=(400, 380, 60, 50))
    page = shown(open_page, portrait_file, answer)
    page.boxes()

    assert page.page.locator(".box-label").all_inner_texts() == ["right", "left"]
    assert page.page.get_attribute(".boxed img", "alt") == "The photo that was sent, with a box around each eye"
    assert page.text("#sent ul") == (
        "Right eye: in the upper left of the picture. Left eye: in the lower right of the picture."
    )


def test_labels_of_two_small_eyes_at_the_edge_neither_cover_each_other_nor_leave_the_photo(
    open_page: OpenPage, portrait_file: Path, portrait_answer: dict[str, Any]
) -> None:
    answer = with_boxes(portrait_answer, right=(0, 200, 8, 8), left=(10, 201, 8, 8))
    page = shown(open_page, portrait_file, answer, viewport={"width": 320, "height": 640})
    page.boxes()
    photo = page.page.locator(".boxed img").bounding_box()
    upper, lower = (label.bounding_box() for label in page.page.locator(".box-label").all())

    assert photo is not None
    assert upper is not None
    assert lower is not None
    assert upper["y"] + upper["height"] <= lower["y"]
    for label in (upper, lower):
        assert photo["x"] <= label["x"]
        assert label["x"] + label["width"] <= photo["x"] + photo["width"]
    assert page.page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_photo_that_the_browser_cannot_measure_has_no_boxes(
    open_page: OpenPage, portrait_file: Path, portrait_answer: dict[str, Any]
) -> None:
    unreadable = "window.createImageBitmap = () => Promise.reject(new DOMException());"
    page = shown(open_page, portrait_file, portrait_answer, init_script=unreadable)

    assert page.boxes() == []
    assert page.page.get_attribute(".boxed img", "alt") == "The photo that was sent"
    assert page.page.locator("#sent ul").count() == 0


@pytest.mark.parametrize(
    ("side", "side_from", "title"),
    [
        ("left", "inner_corner", "Left eye the person\u2019s own left, OS, by the inner corner"),
        ("right", "inner_corner", "Right eye the person\u2019s own right, OD, by the inner corner"),
        ("right", "caller", "Right eye the person\u2019s own right, OD, as you said"),
        ("unknown", None, "Eye side unknown"),
    ],
)
def test_one_eye_is_one_card_with_its_side_and_how_that_is_known(
    open_page: OpenPage,
    portrait_file: Path,
    portrait_answer: dict[str, Any],
    side: str,
    side_from: str | None,
    title: str,
) -> None:
    answer = one_eye(portrait_answer, side, side_from, found_by="eye_finder")
    page = shown(open_page, portrait_file, answer)

    assert page.text("#result-heading") == "One eye found"
    assert page.page.locator(".eye").count() == 1
    assert page.text(".eye-header") == title
    assert "Found by its shape, without a whole face, in 1 picture." in page.text(".eye")
    page.boxes()
    assert page.text(".box-label") == ("side unknown" if side == "unknown" else side)


def test_the_eye_that_a_face_does_not_show_is_said_to_be_missing(
    open_page: OpenPage, portrait_file: Path, portrait_answer: dict[str, Any]
) -> None:
    page = shown(open_page, portrait_file, one_eye(portrait_answer, "left", "face"))

    assert page.text("#result-heading") == "One eye found"
    assert "This eye was not found in the picture." in page.eye("right_eye")
    assert "the person\u2019s own left, OS, by the face" in page.eye("left_eye")


@pytest.mark.parametrize(
    ("doubted", "heading"),
    [
        (["left_eye"], "One eye found, and perhaps another"),
        (["left_eye", "right_eye"], "Perhaps two eyes"),
    ],
)
def test_what_may_be_no_eye_is_not_said_to_be_found(
    open_page: OpenPage, portrait_file: Path, portrait_answer: dict[str, Any], doubted: list[str], heading: str
) -> None:
    answer = copy.deepcopy(portrait_answer)
    for eye in doubted:
        answer[eye].update(inconclusive=True, reasons=["not_an_eye", "too_close"])
    page = shown(open_page, portrait_file, answer)

    assert page.text("#result-heading") == heading
    assert "It is not certain that this is an eye." in page.eye("left_eye")
    assert "Step back" in page.eye("left_eye")
    page.boxes()
    assert page.page.locator(".box[data-sure=false]").count() == len(doubted)


def test_of_several_faces_it_is_said_which_was_answered(
    open_page: OpenPage, portrait_file: Path, portrait_answer: dict[str, Any]
) -> None:
    sentence = "3 faces in the picture: the largest was answered."
    page = shown(open_page, portrait_file, {**portrait_answer, "faces_seen": 3})

    assert page.text("#result-notes") == sentence
    assert page.text("#announcer").startswith(f"The answer is here. {sentence} Right eye: ")


def test_which_eye_it_is_can_be_said_of_one_photo(open_page: OpenPage, eye_file: Path) -> None:
    page = open_page()
    page.page.check("#which [value=right]")
    page.send(eye_file, until="result")
    assert "the person\u2019s own right, OD, as you said" in page.eye("right_eye")
    assert page.text("#result-notes") == ""
    page.page.click("#result [data-start-over]")
    assert page.page.is_checked("#which-not-said")
    page.send(eye_file, until="result")

    assert "as you said" not in page.text("#eyes")
    assert [sent["eye"] for sent in page.payloads("upload")] == ["right", None]


def test_a_photo_of_both_eyes_says_which_is_which_whatever_was_said(open_page: OpenPage, portrait_file: Path) -> None:
    page = open_page()
    page.page.check("#which [value=left]")
    page.send(portrait_file, until="result")

    assert "by the face" in page.eye("left_eye")
    assert page.text("#result-notes") == ("Which eye is which was taken from the photo itself, not from what you said.")
