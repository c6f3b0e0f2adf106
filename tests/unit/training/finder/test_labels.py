"""Labels say where the eyes are, also of a picture that was turned, shrunk or mirrored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.finder.labels import LABELS, LabelledPhoto, left_out, load_photos


def test_an_eye_moves_with_its_picture(portrait: LabelledPhoto) -> None:
    eye = portrait.eyes[0]
    moved = eye.moved(np.array([[2.0, 0.0, 10.0], [0.0, 2.0, -5.0]]))
    assert moved.outline == pytest.approx(eye.outline * 2 + (10, -5))
    assert moved.width == pytest.approx(2 * eye.width)
    assert moved.iris is not None
    assert moved.iris == pytest.approx((520, 252, 8))
    assert moved.inner_on_left is eye.inner_on_left


def test_in_the_mirror_left_is_right(portrait: LabelledPhoto) -> None:
    right_eye, left_eye = portrait.eyes
    mirror = np.array([[-1.0, 0.0, 639.0], [0.0, 1.0, 0.0]])
    mirrored = right_eye.moved(mirror)
    assert right_eye.inner_on_left is False
    assert mirrored.inner_on_left is True
    # The first corner is still the one on the left of the picture, and the second point still on the upper lid.
    assert mirrored.outline[0, 0] < mirrored.outline[3, 0]
    assert mirrored.outline[1, 1] < mirrored.outline[5, 1]
    assert left_eye.moved(mirror).moved(mirror).outline == pytest.approx(left_eye.outline)


def test_photos_are_read_with_their_labels(labelled_folder: tuple[Path, Path]) -> None:
    photos = load_photos(*labelled_folder)
    assert [len(photo.eyes) for photo in photos] == [2] * 8 + [0, 0]
    assert photos[0].origin == "lfw"
    assert photos[0].grey.shape == photos[0].read().shape[:2]
    with pytest.raises(FileNotFoundError):
        load_photos(labelled_folder[0] / "elsewhere", labelled_folder[1])


def test_whole_origins_are_left_out_to_be_measured_on(labelled_folder: tuple[Path, Path]) -> None:
    photos = load_photos(*labelled_folder)
    assert {photo.origin for photo, out in zip(photos, left_out(photos), strict=True) if out} == {"lfw"}


def test_every_label_that_came_with_the_code_is_an_outline_of_six_points() -> None:
    if not LABELS.is_file():
        pytest.fail("the labels are missing")
    import json

    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    assert len(labels) > 2000
    for name, eyes in labels.items():
        for eye in eyes:
            assert len(eye) == 17, name
            assert all(value is not None for value in eye[:12]), name
            assert eye[6] > eye[0], name
