from __future__ import annotations

import httpx
import numpy as np
import pytest
from PIL import Image

from src.core.types import RgbImage
from tests.contract.payloads import base64_of, data_uri, picture_bytes, shown


@pytest.mark.smoke
def test_an_eye_photo_is_answered_as_one_eye(client: httpx.Client, eye_photo: RgbImage) -> None:
    origin = "http://localhost:5173"
    answer = client.post("/upload", json={"image": data_uri(eye_photo)}, headers={"Origin": origin})

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert answer.json()["right_eye"] == {"best_prediction": "Not Detected"}
    eye = answer.json()["left_eye"]
    assert sum(eye["average_scores"].values()) == pytest.approx(100, abs=0.05)
    assert (eye["found_by"], eye["side"], eye["side_from"]) == ("eye_finder", "left", "inner_corner")
    np.testing.assert_array_equal(shown(eye["image_preview"]), eye_photo)


def test_a_face_is_answered_like_one_frame(client: httpx.Client, face: RgbImage) -> None:
    upload = client.post("/upload", json={"image": data_uri(face)}).json()
    predict = client.post("/predict", json=[{"image": data_uri(face)}]).json()["body"]

    for name in ("left_eye", "right_eye"):
        assert upload[name]["found_by"] == "landmarks"
        assert upload[name]["average_scores"] == pytest.approx(predict[name]["average_scores"], abs=0.01)


def test_previews_are_at_most_512_pixels(client: httpx.Client, eye_photo: RgbImage) -> None:
    large = Image.fromarray(eye_photo).resize((2000, 1000))
    eye = client.post("/upload", json={"image": base64_of(picture_bytes(large, "JPEG"))}).json()["left_eye"]

    assert shown(eye["image_preview"]).shape == (256, 512, 3)
    assert shown(eye["grad_cam_preview"]).shape == (256, 512, 3)


def test_the_heatmap_is_laid_over_the_same_crop(client: httpx.Client, eye_photo: RgbImage) -> None:
    eye = client.post("/upload", json={"image": data_uri(eye_photo)}).json()["left_eye"]
    difference = np.abs(shown(eye["grad_cam_preview"]).astype(int) - shown(eye["image_preview"])).sum(axis=2)

    assert difference.max() > 60
    assert np.median(difference) < difference.max() / 2


def test_the_answer_says_which_model_gave_it_and_that_it_is_no_medical_device(
    client: httpx.Client, eye_photo: RgbImage
) -> None:
    answer = client.post("/upload", json={"image": data_uri(eye_photo)}).json()
    health = client.get("/health").json()

    assert health["model"]["sha256"].startswith(answer["model"]["hash"])
    assert (answer["model"]["name"], answer["model"]["calibrated"]) == ("EyeNet", True)
    assert "not a medical device" in answer["notice"]


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
def test_every_readable_format_gives_nearly_the_same_scores(
    client: httpx.Client, eye_photo: RgbImage, file_format: str
) -> None:
    options = {"quality": 95} if file_format in ("JPEG", "WEBP") else {}
    sent = base64_of(picture_bytes(eye_photo, file_format, **options))
    expected = client.post("/upload", json={"image": data_uri(eye_photo)}).json()["left_eye"]["average_scores"]

    scores = client.post("/upload", json={"image": sent}).json()["left_eye"]["average_scores"]

    assert scores == pytest.approx(expected, abs=5)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "none"])
def test_the_pictures_in_the_answer_come_as_it_is_asked_for_on_both_routes(
    client: httpx.Client, face: RgbImage, form: str
) -> None:
    upload = client.post("/upload", params={"previews": form}, json={"image": data_uri(face)}).json()
    predict = client.post("/predict", params={"previews": form}, json=[{"image": data_uri(face)}]).json()["body"]

    for eye in (upload["left_eye"], predict["right_eye"]):
        assert eye["best_prediction"]
        kinds = {preview and preview.split(",")[0] for preview in (eye["image_preview"], eye["grad_cam_preview"])}
        assert kinds == {None if form == "none" else f"data:image/{form};base64"}


def test_a_photo_taken_on_its_side_is_turned_upright(client: httpx.Client, face: RgbImage) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = Image.fromarray(np.ascontiguousarray(np.rot90(face)))
    sent = base64_of(picture_bytes(lying, "PNG", exif=exif))

    answer = client.post("/upload", json={"image": sent}).json()

    assert {answer[name]["found_by"] for name in ("left_eye", "right_eye")} == {"landmarks"}
