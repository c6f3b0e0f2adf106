from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from lab.common.work import (
    PREDICT_1,
    PREDICT_5,
    UPLOAD,
    WORKS,
    Work,
    body_of,
    face_frame,
    photo_file,
    requests_of,
    write_bodies,
)
from src.api.requests import parse_frames, parse_upload
from src.core.types import EyeSource, RgbImage
from src.services.assets import Assets
from src.services.face_detection import FaceDetector
from src.utils.image_codec import decode_picture

MEGAPIXELS = 40_000_000


@pytest.fixture(scope="module")
def detector(assets: Assets) -> FaceDetector:
    return FaceDetector(assets, crop_padding_x=20, crop_padding_y=40, mirrored_input=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return write_bodies(tmp_path_factory.mktemp("bodies") / "new")


@pytest.fixture(scope="module")
def frames(files: Mapping[str, Path]) -> list[RgbImage]:
    """Of the request with five."""
    frames, failures = parse_frames(files[PREDICT_5.name].read_bytes(), 32)
    assert not failures
    return [decode_picture(frame.data, MEGAPIXELS) for frame in frames]


def test_an_eye_photo_is_a_jpeg_of_0_3_to_1_megabyte_and_1280_pixels(files: Mapping[str, Path]) -> None:
    picture = decode_picture(parse_upload(files[UPLOAD.name].read_bytes()).data, MEGAPIXELS)
    assert max(picture.shape) == 1280
    assert 0.3e6 <= len(photo_file()) <= 1e6


def test_five_frames_are_3_to_6_megabytes_of_640_pixels_each(files: Mapping[str, Path], frames: list[RgbImage]) -> None:
    body = files[PREDICT_5.name].read_bytes()
    assert 3e6 <= len(body) <= 6e6
    assert [picture.shape for picture in frames] == [(640, 640, 3)] * 5
    assert all(0.5e6 <= len(item["image"]) <= 1e6 for item in json.loads(body))


def test_the_frames_of_a_request_differ(frames: list[RgbImage]) -> None:
    first, *others = frames
    assert all(not np.array_equal(first, other) for other in others)


@pytest.mark.parametrize("work", [UPLOAD, PREDICT_1], ids=lambda work: work.name)
def test_the_same_seed_gives_the_same_body_and_another_another(work: Work, files: Mapping[str, Path]) -> None:
    assert body_of(work) == files[work.name].read_bytes()
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


def test_a_load_is_told_the_path_and_the_file_of_each_request(files: Mapping[str, Path]) -> None:
    assert files.keys() == {work.name for work in WORKS}
    assert requests_of([PREDICT_1, UPLOAD], files) == [
        ("/predict", str(files[PREDICT_1.name])),
        ("/upload", str(files[UPLOAD.name])),
    ]


def test_the_number_of_eyes_is_that_of_the_pictures() -> None:
    assert [(work.frames, work.eyes) for work in (UPLOAD, PREDICT_1, PREDICT_5)] == [(1, 1), (1, 2), (5, 10)]
