"""OpenCV's Haar cascades for faces and eyes (Viola and Jones, CVPR 2001)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2

from src.core.errors import StartupError
from src.core.types import Box, EyeSide
from src.services.pyramid import GreyImage
from src.utils import geometry

_SCALE_STEP = 1.1
_MIN_NEIGHBOURS = 5
_SMALLEST_FACE = 60
_SMALLEST_EYE = 20

# For a first look at a shrunken picture: large steps, and one hit is enough. 24 px is the cascade's own window.
_CANDIDATE_SCALE_STEP = 1.3
_CANDIDATE_MIN_NEIGHBOURS = 1
_SMALLEST_CANDIDATE = 24


class HaarCascades:
    """One face cascade and one eye cascade. Not safe to share between threads."""

    def __init__(self, face_file: Path, eye_file: Path) -> None:
        """
        Raises:
            StartupError: a file is missing or not a cascade.
        """
        self._face_cascade = _load(face_file)
        self._eye_cascade = _load(eye_file)

    def faces(self, grey: GreyImage) -> list[Box]:
        """Faces in the picture, the largest first."""
        return _by_size(_detect(self._face_cascade, grey, _SMALLEST_FACE, max(grey.shape)))

    def face_candidates(self, grey: GreyImage) -> list[Box]:
        """Where a face may be, from 24 px, the largest first: quick, and to be confirmed by something slower."""
        found = self._face_cascade.detectMultiScale(
            grey,
            _CANDIDATE_SCALE_STEP,
            _CANDIDATE_MIN_NEIGHBOURS,
            minSize=(_SMALLEST_CANDIDATE, _SMALLEST_CANDIDATE),
        )
        return _by_size(_boxes(found))

    def eyes_of_face(self, grey: GreyImage, face: Box) -> dict[EyeSide, Box]:
        """The largest eye in each half of the upper face; in an unmirrored picture the right eye is on the left."""
        height, width = grey.shape
        upper = geometry.clipped(
            Box(face.x, face.y + 0.15 * face.height, face.width, 0.45 * face.height), width, height
        )
        if upper is None:
            return {}
        part, left, top = geometry.part_inside(grey, upper)
        smallest = max(_SMALLEST_EYE, int(0.12 * face.width))
        eyes: dict[EyeSide, Box] = {}
        for eye in _by_size(_detect(self._eye_cascade, part, smallest, int(0.45 * face.width))):
            in_picture = geometry.shifted(eye, left, top)
            is_left_half = in_picture.x + in_picture.width / 2 < face.x + face.width / 2
            eyes.setdefault(EyeSide.RIGHT if is_left_half else EyeSide.LEFT, in_picture)
        return eyes

    def eye_pair(self, grey: GreyImage) -> dict[EyeSide, Box]:
        """Two eyes side by side anywhere in the picture, for frames that show the eyes but not the whole face.

        The largest pair of about equal size, level, and as far apart as eyes are; empty where there is none.
        """
        eyes = _by_size(_detect(self._eye_cascade, grey, _SMALLEST_EYE, max(grey.shape) // 2))
        for first, second in itertools.combinations(eyes, 2):
            left, right = sorted((first, second), key=lambda eye: eye.x)
            size = (left.width + right.width) / 2
            distance = (right.x + right.width / 2) - (left.x + left.width / 2)
            drop = abs((right.y + right.height / 2) - (left.y + left.height / 2))
            similar = max(left.width, right.width) < 1.4 * min(left.width, right.width)
            if similar and drop < 0.3 * size and 1.2 * size < distance < 3 * size:
                return {EyeSide.RIGHT: left, EyeSide.LEFT: right}
        return {}


def _load(file: Path) -> cv2.CascadeClassifier:
    sentence = f"{file} is missing or is not a Haar cascade."
    try:
        cascade = cv2.CascadeClassifier(str(file))
    except (cv2.error, SystemError):
        raise StartupError(sentence) from None
    if cascade.empty():
        raise StartupError(sentence)
    return cascade


def _detect(cascade: cv2.CascadeClassifier, grey: GreyImage, smallest: int, largest: int) -> list[Box]:
    found = cascade.detectMultiScale(
        grey, _SCALE_STEP, _MIN_NEIGHBOURS, minSize=(smallest, smallest), maxSize=(largest, largest)
    )
    return _boxes(found)


def _boxes(found: Iterable[Sequence[float]]) -> list[Box]:
    return [Box(float(x), float(y), float(width), float(height)) for x, y, width, height in found]


def _by_size(boxes: list[Box]) -> list[Box]:
    return sorted(boxes, key=lambda box: box.area, reverse=True)
