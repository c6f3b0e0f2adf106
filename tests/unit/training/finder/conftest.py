"""One portrait in the public domain, with its eyes labelled as dlib's landmarks draw them, and a folder of it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.core.types import Floats, RgbImage
from training.finder.labels import LabelledEye, LabelledPhoto

# In the 640 x 640 portrait: the corner on the left, the one on the right, half the height of the opening.
CORNERS = (((245, 128), (265, 129), 3.5), ((299, 131), (318, 130), 3.5))


def eye_between(left: tuple[float, float], right: tuple[float, float], half: float) -> Floats:
    one, other = np.array(left, float), np.array(right, float)
    third = (other - one) / 3
    up = np.array([0, half])
    return np.array([one, one + third - up, one + 2 * third - up, other, one + 2 * third + up, one + third + up])


@pytest.fixture
def portrait(face: RgbImage) -> LabelledPhoto:
    grey = np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)
    eyes = tuple(
        LabelledEye(eye_between(*corners), (*np.mean(corners[:2], axis=0), 4.0), index == 1)
        for index, corners in enumerate(CORNERS)
    )
    return LabelledPhoto("faces/nasa_m0001_portrait.jpg", Path("portrait.jpg"), grey, eyes)


def numbers_of(eye: LabelledEye) -> list[float | None]:
    iris: list[float | None] = [None] * 3 if eye.iris is None else [float(value) for value in eye.iris]
    side = None if eye.inner_on_left is None else int(eye.inner_on_left)
    return [*eye.outline.ravel().tolist(), *iris, side, int(eye.uncertain)]


@pytest.fixture
def labelled_folder(tmp_path: Path, face: RgbImage, portrait: LabelledPhoto) -> tuple[Path, Path]:
    """A folder of eight photos of faces and two without eyes, and the file of labels."""
    data, labels = tmp_path / "data", {}
    for index in range(8):
        name = f"faces/{'lfw' if index % 2 else 'nasa'}_m{index:04d}_portrait.jpg"
        labels[name] = [numbers_of(eye) for eye in portrait.eyes]
        _write(data / name, face)
    for index in range(2):
        name = f"not_an_eye/{'lfw' if index else 'nasa'}_m{index:04d}_floor.jpg"
        labels[name] = []
        _write(data / name, np.ascontiguousarray(face[400:600, :200]))
    file = tmp_path / "eyes.json"
    file.write_text(json.dumps(labels), encoding="utf-8")
    return data, file


def _write(file: Path, picture: RgbImage) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
