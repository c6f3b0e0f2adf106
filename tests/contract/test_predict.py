from __future__ import annotations

from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from skimage import data

from src.core.types import Reason, RgbImage
from src.utils.preprocessing import resize
from tests.contract.payloads import assert_error, data_uri, frame, shown

CLASSES = ["Cataract", "Conjunctivitis", "Healthy", "Stye"]
EYES = ("left_eye", "right_eye")


def eyes_of(answer: httpx.Response) -> dict[str, dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["body"])


@pytest.mark.smoke
def test_a_face_gives_both_eyes_with_scores_and_pictures(client: httpx.Client, face: RgbImage) -> None:
    answer = client.post("/predict", json=[frame(face)])

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["status_code"] == 200
    assert set(eyes_of(answer)) == set(EYES)
    for eye in eyes_of(answer).values():
        scores = eye["average_scores"]
        assert list(scores) == CLASSES
        assert sum(scores.values()) == pytest.approx(100, abs=0.05)
        assert all(round(score, 2) == score for score in scores.values())
        assert eye["best_prediction"] == max(scores, key=scores.get)
        assert eye["found_by"] == "landmarks"
        assert shown(eye["image_preview"]).shape == shown(eye["grad_cam_preview"]).shape


@pytest.mark.smoke
def test_five_640_pixel_frames_just_work(client: httpx.Client, face: RgbImage) -> None:
    hint = {"x": 220, "y": 60, "w": 190, "h": 230}
    answer = client.post("/predict", json=[frame(face, box=hint)] * 5)

    assert [eye["frames_seen"] for eye in eyes_of(answer).values()] == [5, 5]


def test_left_and_right_are_the_persons_own(client: httpx.Client, face: RgbImage) -> None:
    left = shown(eyes_of(client.post("/predict", json=[frame(face)]))["left_eye"]["image_preview"])

    # The person's left eye is on the right of an unmirrored picture.
    height, width = left.shape[:2]
    distances = {
        x: float(np.abs(face[99 : 99 + height, x : x + width].astype(int) - left).mean())
        for x in range(200, 360)
        if face[99 : 99 + height, x : x + width].shape == left.shape
    }
    assert min(distances, key=distances.__getitem__) > 270


def test_scores_are_the_mean_over_the_frames(client: httpx.Client, face: RgbImage) -> None:
    mirrored = np.ascontiguousarray(face[:, ::-1])
    one = eyes_of(client.post("/predict", json=[frame(face)]))
    other = eyes_of(client.post("/predict", json=[frame(mirrored)]))
    both = eyes_of(client.post("/predict", json=[frame(face), frame(mirrored)]))

    for name in EYES:
        for label in CLASSES:
            mean = (one[name]["average_scores"][label] + other[name]["average_scores"][label]) / 2
            assert both[name]["average_scores"][label] == pytest.approx(mean, abs=0.02)


def test_one_bad_frame_among_good_ones_is_reported_and_the_others_are_answered(
    client: httpx.Client, face: RgbImage
) -> None:
    frames = [frame(face), {"score": 1}, frame(face) | {"image": "no picture!"}, frame(face)]
    answer = client.post("/predict", json=frames)

    assert [eye["frames_seen"] for eye in eyes_of(answer).values()] == [2, 2]
    assert [(error["index"], error["code"]) for error in answer.json()["frame_errors"]] == [
        (1, "invalid_payload"),
        (2, "not_base64"),
    ]
    assert answer.json()["frame_errors"][1]["error"].startswith("Frame 3: image")


def test_a_frame_without_a_face_is_a_clear_error(client: httpx.Client) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    answer = client.post("/predict", json=[frame(noise), frame(noise)])

    assert answer.status_code == 400
    assert answer.json() == {
        "status_code": 400,
        "body": {"error": "No valid eye images detected", "code": "no_eyes_detected"},
        "message": "No valid eye images detected",
    }


NAMES = [reason.value for reason in Reason]
OF_THE_PICTURE = {"blurry", "too_dark", "too_bright", "too_small", "eye_closed"}


@pytest.mark.parametrize(
    ("worse", "reasons"),
    [
        (lambda face: cv2.GaussianBlur(face, (0, 0), 4), {"blurry"}),
        (lambda face: (face * 0.08).astype(np.uint8), {"too_dark"}),
        (lambda face: resize(face, 160, 160), {"blurry", "too_small"}),
    ],
    ids=["blurred", "dark", "tiny"],
)
def test_a_bad_picture_of_a_face_is_answered_with_what_is_bad_about_it(
    client: httpx.Client, face: RgbImage, worse: object, reasons: set[str]
) -> None:
    assert callable(worse)
    for eye in eyes_of(client.post("/predict", json=[frame(worse(face))])).values():
        assert eye["inconclusive"] is True
        assert OF_THE_PICTURE & set(eye["reasons"]) == reasons
        assert sorted(eye["reasons"], key=NAMES.index) == eye["reasons"]
        assert eye["best_prediction"] in eye["average_scores"]


@pytest.mark.parametrize("path", ["/upload", "/predict"])
@pytest.mark.parametrize(
    "picture",
    [
        np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8),
        np.repeat(np.asarray(data.brick())[..., np.newaxis], 3, axis=2),
        np.asarray(data.astronaut())[340:480, 40:190],
        resize(np.ascontiguousarray(data.astronaut()[60:82, 190:260]), 420, 132),
        resize(np.ascontiguousarray(data.astronaut()[135:160, 205:245]), 400, 250),
    ],
    ids=["noise", "bricks", "clothes", "forehead", "mouth"],
)
def test_a_picture_without_an_eye_has_no_class(client: httpx.Client, picture: RgbImage, path: str) -> None:
    image = {"image": data_uri(np.ascontiguousarray(picture))}
    answer = client.post(path, json=image if path == "/upload" else [image])
    assert_error(answer, 400, "no_eyes_detected")


def test_what_may_be_an_eye_is_answered_as_such(client: httpx.Client) -> None:
    answer = client.post("/upload", json={"image": data_uri(np.asarray(data.coffee()))})
    if answer.status_code == 400:
        assert_error(answer, 400, "no_eyes_detected")
        return
    eye = answer.json()["left_eye"]
    assert eye["inconclusive"] is True
    assert "not_an_eye" in eye["reasons"]
    assert "unfamiliar" not in eye["reasons"]


def test_the_sharpest_frame_is_shown(client: httpx.Client, face: RgbImage) -> None:
    blurred = resize(resize(face, 160, 160), 640, 640)
    sharp = eyes_of(client.post("/predict", json=[frame(face)]))
    both = eyes_of(client.post("/predict", json=[frame(blurred), frame(face), frame(blurred)]))

    for name in EYES:
        assert both[name]["frames_seen"] == 3
        assert both[name]["image_preview"] == sharp[name]["image_preview"]


def test_of_two_faces_the_larger_wins(client: httpx.Client, face: RgbImage) -> None:
    portrait = np.ascontiguousarray(face[0:340, 160:470])
    group = np.full((480, 640, 3), 127, np.uint8)
    group[100:270, 20:175] = resize(portrait, 155, 170)
    group[60:400, 300:610] = portrait
    alone = eyes_of(client.post("/predict", json=[frame(portrait)]))
    answer = eyes_of(client.post("/predict", json=[frame(group)]))

    for name in EYES:
        small, large = shown(alone[name]["image_preview"]), shown(answer[name]["image_preview"])
        assert large.shape[1] == pytest.approx(small.shape[1], rel=0.15)


def test_the_hint_may_be_a_corner_a_centre_or_nonsense(client: httpx.Client, face: RgbImage) -> None:
    plain = eyes_of(client.post("/predict", json=[frame(face)]))
    hints = [
        {"x": 200, "y": 40, "w": 190, "h": 230},
        {"x": 300, "y": 150, "w": 190, "h": 230},
        {"x": -1e308, "y": 1e308, "w": 1e308, "h": 1e308},
        {"x": 5000, "y": 5000, "w": 10, "h": 10},
        {"x": 0, "y": 0, "w": 0, "h": -5},
    ]
    for hint in hints:
        eyes = eyes_of(client.post("/predict", json=[frame(face, box=hint)]))
        for name in EYES:
            expected = shown(plain[name]["image_preview"]).shape[1]
            assert shown(eyes[name]["image_preview"]).shape[1] == pytest.approx(expected, rel=0.1), hint
