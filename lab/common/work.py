"""What is sent: bodies of /upload and /predict, made of a portrait in the public domain.

The portrait is skimage.data.astronaut() (NASA; Eileen Collins). Grain and small shifts are drawn from a seed, so every
machine sends the same pictures.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import orjson
from PIL import Image
from skimage import data

from src.core.types import Box, RgbImage
from src.utils.preprocessing import resize

_FRAME_SIDE = 640

# In pixels of the 512 x 512 portrait: one eye with its lids, and the face as a browser's face finder boxes it.
_EYE_ROWS, _EYE_COLUMNS = slice(79, 113), slice(228, 265)
_FACE = Box(175, 62, 100, 120)
_PORTRAIT_SIDE = 512
_PHOTO_SIZE = (1280, 1176)
_JPEG_QUALITY = 92
# Standard deviations in levels of 0-255. A phone's photo in room light has more grain than a webcam's frame, which was
# compressed as video before the browser drew it. Grain of a real photo has been smoothed by demosaicing, so pixels
# share some of their neighbours'.
_PHOTO_GRAIN, _FRAME_GRAIN, _GRAIN_BLUR = 6.0, 1.0, 0.6
_LARGEST_SHIFT = 6


class Work(NamedTuple):
    """One kind of request; `title` is for a person, `frames` are its pictures, `eyes` those the network looks at."""

    name: str
    title: str
    path: str
    frames: int
    eyes: int


UPLOAD = Work("upload", "/upload, a photo of one eye", "/upload", 1, 1)
PREDICT_1 = Work("predict_1", "/predict, one frame", "/predict", 1, 2)
PREDICT_5 = Work("predict_5", "/predict, five frames", "/predict", 5, 10)
WORKS = (UPLOAD, PREDICT_1, PREDICT_5)


def face_frame(seed: int = 0) -> tuple[RgbImage, Box]:
    """The portrait as a browser sends it, 640 x 640, moved a little and with grain; and the box around its face."""
    random = np.random.default_rng([seed, 2])
    right, down = (int(shift) for shift in random.integers(-_LARGEST_SHIFT, _LARGEST_SHIFT + 1, 2))
    portrait = resize(_portrait(), _FRAME_SIDE, _FRAME_SIDE)
    moved = np.roll(portrait, (down, right), axis=(0, 1))
    factor = _FRAME_SIDE / _PORTRAIT_SIDE
    box = Box(_FACE.x * factor + right, _FACE.y * factor + down, _FACE.width * factor, _FACE.height * factor)
    return _grainy(moved, _FRAME_GRAIN, random), box


def photo_file(seed: int = 0) -> bytes:
    """A close-up of one eye as a phone takes it, 1176 x 1280 with grain: a JPEG of 0.3 to 1 MB."""
    width, height = _PHOTO_SIZE
    eye = np.ascontiguousarray(_portrait()[_EYE_ROWS, _EYE_COLUMNS])
    photo = _grainy(resize(eye, width, height), _PHOTO_GRAIN, np.random.default_rng([seed, 1]))
    return _file(photo, "JPEG", quality=_JPEG_QUALITY)


def body_of(work: Work, seed: int = 0) -> bytes:
    """The JSON of one request; another seed gives other pictures of the same kind."""
    if work.path == "/upload":
        return orjson.dumps({"image": _data_uri(photo_file(seed), "image/jpeg")})
    items = []
    for index in range(work.frames):
        frame, box = face_frame(seed * work.frames + index)
        sides = {"x": box.x, "y": box.y, "w": box.width, "h": box.height}
        items.append({"image": _data_uri(_file(frame, "PNG"), "image/png"), "score": 0.95, "blur": 0.02, "box": sides})
    return orjson.dumps(items)


def write_bodies(folder: Path) -> Mapping[str, Path]:
    """One file per work, by the work's name: the load generator reads them, and imports nothing of this."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {work.name: folder / f"{work.name}.json" for work in WORKS}
    for work in WORKS:
        files[work.name].write_bytes(body_of(work))
    return files


def requests_of(works: Iterable[Work], bodies: Mapping[str, Path]) -> list[tuple[str, str]]:
    """(path, file with the body) of each, for the load generators."""
    return [(work.path, str(bodies[work.name])) for work in works]


def _portrait() -> RgbImage:
    astronaut: Any = data.astronaut
    return np.asarray(astronaut(), np.uint8)


def _grainy(picture: RgbImage, deviation: float, random: np.random.Generator) -> RgbImage:
    noise: npt.NDArray[np.float32] = random.standard_normal(picture.shape, dtype=np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), _GRAIN_BLUR)
    return np.asarray((picture + grain * (deviation / grain.std())).round().clip(0, 255), dtype=np.uint8)


def _file(picture: RgbImage, file_format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, file_format, **options)
    return buffer.getvalue()


def _data_uri(file: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(file).decode('ascii')}"
