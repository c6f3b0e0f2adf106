"""What clients send."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from src.core.types import RgbImage


def picture_bytes(picture: RgbImage | Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def data_uri(picture: RgbImage, file_format: str = "PNG") -> str:
    return f"data:image/{file_format.lower()};base64,{base64_of(picture_bytes(picture, file_format))}"


def frame(picture: RgbImage, **fields: object) -> dict[str, object]:
    return {"image": data_uri(picture), "score": 0.95, "blur": 0.02, "box": None} | fields


def shown(preview: str) -> RgbImage:
    """The pixels behind a preview."""
    kind, encoded = preview.split(",", 1)
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))).convert("RGB"))
