"""Pictures and picture files, and PNGs that Pillow cannot write."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from lab.chaos.mutated_pictures import png_chunk
from src.core.types import RgbImage

LIMIT = 40_000_000
ORIENTATION = 0x0112
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour types of the PNG specification.
GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6


def chessboard(side: int, field: int) -> RgbImage:
    rows, columns = np.indices((side, side)) // field
    return np.repeat(((rows + columns) % 2 * 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def saved(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes, extra: bytes = b"") -> bytes:
    """`rows` are filtered already: each opens with a byte 0. `extra` are chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = png_chunk(b"IHDR", header) + extra + png_chunk(b"IDAT", zlib.compress(rows))
    return PNG_SIGNATURE + body + png_chunk(b"IEND", b"")
