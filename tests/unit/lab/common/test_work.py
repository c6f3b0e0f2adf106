from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from lab.common.work import PREDICT_1, PREDICT_5, UPLOAD, body_of, face_frame, requests_of, write_bodies
from src.api.requests import parse_frames, parse_upload
from src.core.types import EyeSource
from src.services.assets import Assets
from src.services.eye_locator import EyeLocator
from src.utils.image_codec import decode_picture

MEGAPIXELS = 40_000_000


@pytest.fixture(scope="module")
def locator(assets: Assets) -> EyeLocator:
    return EyeLocator(assets, crop_padding_x=20, crop_padding_y=40, mirrored_input=False)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return write_bodies(tmp_path_factory.mktemp("bodies") / "new")


def test_an_eye_photo_of_1280_pixels_is_taken_for_an_eye_and_not_for_a_face(
    files: Mapping[str, Path], locator: EyeLocator
) -> None:
    frame, _told = parse_upload(files[UPLOAD.name].read_bytes())
    photo = frame.data
    picture = decode_picture(photo, MEGAPIXELS)
    assert max(picture.shape) == 1280
    assert 0.3e6 <= len(photo) <= 1e6
    (eye,) = locator.find_eyes(picture).eyes
    assert (eye.source, eye.sure) == (EyeSource.EYE_FINDER, True)


def test_five_frames_are_3_to_6_megabytes_of_640_pixels_each_and_differ(files: Mapping[str, Path]) -> None:
    body = files[PREDICT_5.name].read_bytes()
    assert 3e6 <= len(body) <= 6e6
    frames, failures = parse_frames(body, 32)
    assert not failures
    first, *others = (decode_picture(frame.data, MEGAPIXELS) for frame in frames)
    assert [picture.shape for picture in (first, *others)] == [(640, 640, 3)] * 5
    assert all(not np.array_equal(first, other) for other in others)


def test_the_same_seed_gives_the_same_body_and_another_another(files: Mapping[str, Path]) -> None:
    for work in (UPLOAD, PREDICT_1):
        assert body_of(work) == files[work.name].read_bytes()
        assert body_of(work, seed=1) != body_of(work)


@pytest.mark.parametrize("seed", range(3))
def test_the_box_is_where_the_face_is(locator: EyeLocator, seed: int) -> None:
    frame, box = face_frame(seed)
    eyes = locator.find_eyes(frame, box).eyes
    assert [eye.source for eye in eyes] == [EyeSource.LANDMARKS] * 2
    assert all(box.x < eye.box.x and eye.box.right < box.right for eye in eyes)
    assert all(box.y < eye.box.y and eye.box.bottom < box.bottom for eye in eyes)


def test_a_load_is_told_the_path_and_the_file_of_each_request(files: Mapping[str, Path]) -> None:
    assert requests_of([PREDICT_1, UPLOAD], files) == [
        ("/predict", str(files[PREDICT_1.name])),
        ("/upload", str(files[UPLOAD.name])),
    ]
