from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from lab.common.work import PREDICT_1, PREDICT_5, UPLOAD, WORKS, Work, body_of, face_frame, photo_file, write_bodies
from src.api.requests import parse_frames, parse_upload
from src.core.types import EyeSource, RgbImage
from src.services.assets import Assets
from src.services.face_detection import FaceDetector
from src.utils.data_uri import decode_data_uri
from src.utils.image_codec import decode_picture

MEGAPIXELS = 40_000_000


@pytest.fixture(scope="module")
def detector(assets: Assets) -> FaceDetector:
    return FaceDetector(assets, crop_padding_x=20, crop_padding_y=40, mirrored_input=False)


def pictures_of_predict(body: bytes) -> list[RgbImage]:
    frames, failures = parse_frames(body, 32)
    assert not failures
    return [decode_picture(decode_data_uri(frame.image), MEGAPIXELS) for frame in frames]


def test_an_eye_photo_is_a_jpeg_of_0_3_to_1_megabyte_and_1280_pixels() -> None:
    picture = decode_picture(decode_data_uri(parse_upload(body_of(UPLOAD)).image), MEGAPIXELS)
    assert max(picture.shape) == 1280
    assert 0.3e6 <= len(photo_file()) <= 1e6


def test_five_frames_are_3_to_6_megabytes_of_640_pixels_each() -> None:
    body = body_of(PREDICT_5)
    assert 3e6 <= len(body) <= 6e6
    assert [picture.shape for picture in pictures_of_predict(body)] == [(640, 640, 3)] * 5
    assert all(0.5e6 <= len(item["image"]) <= 1e6 for item in json.loads(body))


def test_the_frames_of_a_request_differ() -> None:
    first, *others = pictures_of_predict(body_of(PREDICT_5))
    assert all(not np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_the_same_seed_gives_the_same_body_and_another_another(work: Work) -> None:
    assert body_of(work) == body_of(work)
    assert body_of(work, seed=1) != body_of(work)


@pytest.mark.parametrize("seed", range(3))
def test_the_box_is_where_the_face_is(detector: FaceDetector, seed: int) -> None:
    frame, box = face_frame(seed)
    eyes = detector.find_eyes(frame, box)
    assert [eye.source for eye in eyes] == [EyeSource.LANDMARKS] * 2
    assert all(box.x < eye.box.x and eye.box.right < box.right for eye in eyes)
    assert all(box.y < eye.box.y and eye.box.bottom < box.bottom for eye in eyes)


def test_an_eye_photo_is_taken_for_an_eye_and_not_for_a_face(detector: FaceDetector) -> None:
    picture = decode_picture(photo_file(), MEGAPIXELS)
    assert detector.find_eyes(picture, may_be_close_up=True) == []


def test_the_files_hold_what_is_sent(tmp_path: Path) -> None:
    files = write_bodies(tmp_path / "new")
    assert {name: file.read_bytes() for name, file in files.items()} == {work.name: body_of(work) for work in WORKS}


def test_the_number_of_eyes_is_that_of_the_pictures() -> None:
    assert [(work.frames, work.eyes) for work in (UPLOAD, PREDICT_1, PREDICT_5)] == [(1, 1), (1, 2), (5, 10)]
    assert base64.b64encode(photo_file()).decode() in body_of(UPLOAD).decode()
