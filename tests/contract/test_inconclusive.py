"""The service says when it is not sure, and why, and answers all the same."""

from __future__ import annotations

from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from skimage import data

from src.core.types import Reason, RgbImage
from src.utils.preprocessing import resize
from tests.contract.payloads import data_uri, frame

NAMES = [reason.value for reason in Reason]
OF_THE_PICTURE = {"blurry", "too_dark", "too_bright", "too_small", "eye_closed"}


def eye_of(client: httpx.Client, picture: RgbImage) -> dict[str, Any]:
    answer = client.post("/upload", json={"image": data_uri(picture)})
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["left_eye"])


def eyes_of(client: httpx.Client, *pictures: RgbImage) -> list[dict[str, Any]]:
    answer = client.post("/predict", json=[frame(picture) for picture in pictures])
    assert answer.status_code == 200, answer.text
    return list(answer.json()["body"].values())


@pytest.mark.smoke
def test_every_eye_says_how_sure_it_is(client: httpx.Client, face: RgbImage) -> None:
    for eye in eyes_of(client, face):
        scores = eye["average_scores"]
        assert isinstance(scores, dict)
        assert eye["confidence"] == max(scores.values())
        assert eye["inconclusive"] is bool(eye["reasons"])
        assert set(eye["reasons"]) <= set(NAMES)


def test_a_good_portrait_leaves_no_doubt_about_the_picture(client: httpx.Client, face: RgbImage) -> None:
    assert [OF_THE_PICTURE & set(eye["reasons"]) for eye in eyes_of(client, face)] == [set(), set()]


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
    for eye in eyes_of(client, worse(face)):
        assert eye["inconclusive"] is True
        assert OF_THE_PICTURE & set(eye["reasons"]) == reasons
        assert sorted(eye["reasons"], key=NAMES.index) == eye["reasons"]
        assert eye["best_prediction"] in eye["average_scores"]


def test_an_over_exposed_eye_is_answered_as_too_bright(client: httpx.Client, eye_photo: RgbImage) -> None:
    eye = eye_of(client, (eye_photo * 4.0).clip(0, 255).astype(np.uint8))
    assert "too_bright" in eye["reasons"]


def test_one_good_frame_among_bad_ones_is_enough(client: httpx.Client, face: RgbImage) -> None:
    blurred = cv2.GaussianBlur(face, (0, 0), 4).astype(np.uint8)
    for eye in eyes_of(client, blurred, face, blurred):
        assert OF_THE_PICTURE & set(eye["reasons"]) == set()


def test_the_model_says_that_its_scores_are_calibrated(client: httpx.Client, eye_photo: RgbImage) -> None:
    """What a card without that, without a temperature or without statistics means: tests/unit/services."""
    answer = client.post("/upload", json={"image": data_uri(eye_photo)}).json()
    assert answer["model"]["calibrated"] is True
    assert client.get("/health").json()["model"]["calibrated"] is True


def test_eyes_are_no_strangers(client: httpx.Client, face: RgbImage) -> None:
    for eye in eyes_of(client, face):
        assert "not_an_eye" not in eye["reasons"]


@pytest.mark.parametrize(
    "picture",
    [
        np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8),
        np.asarray(data.coffee()),
        np.repeat(np.asarray(data.brick())[..., np.newaxis], 3, axis=2),
    ],
    ids=["noise", "coffee", "bricks"],
)
def test_what_is_no_eye_is_answered_as_such(client: httpx.Client, picture: RgbImage) -> None:
    eye = eye_of(client, picture)
    assert eye["inconclusive"] is True
    assert "not_an_eye" in eye["reasons"]
    assert "unfamiliar" not in eye["reasons"]
