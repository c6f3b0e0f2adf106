"""The service says when it is not sure, and why, and answers all the same."""

from __future__ import annotations

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
    answer = client.post("/predict", json=[frame(worse(face))])
    assert answer.status_code == 200, answer.text
    for eye in answer.json()["body"].values():
        assert eye["inconclusive"] is True
        assert OF_THE_PICTURE & set(eye["reasons"]) == reasons
        assert sorted(eye["reasons"], key=NAMES.index) == eye["reasons"]
        assert eye["best_prediction"] in eye["average_scores"]


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
    answer = client.post("/upload", json={"image": data_uri(picture)})
    assert answer.status_code == 200, answer.text
    eye = answer.json()["left_eye"]
    assert eye["inconclusive"] is True
    assert "not_an_eye" in eye["reasons"]
    assert "unfamiliar" not in eye["reasons"]
