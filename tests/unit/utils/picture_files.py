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


def jpeg_segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def exif_of(orientation: int, order: str = "<", kind: int = 3, before: int = 0) -> bytes:
    """A TIFF directory of one entry that says something, behind `before` others that do not."""
    value = struct.pack({1: "B", 3: order + "H", 4: order + "I"}.get(kind, "B"), orientation).ljust(4, b"\0")
    other = struct.pack(order + "HHI", 0x010F, 2, 1) + b"x\0\0\0"
    entry = struct.pack(order + "HHI", ORIENTATION, kind, 1) + value
    opening = b"II*\0" if order == "<" else b"MM\0*"
    return opening + struct.pack(order + "IH", 8, before + 1) + other * before + entry + bytes(4)


def with_exif(file: bytes, exif: bytes) -> bytes:
    """A JPEG, PNG or WebP with this EXIF block in the place of its format."""
    if file.startswith(PNG_SIGNATURE):
        return file[:33] + png_chunk(b"eXIf", exif) + file[33:]
    if file.startswith(b"RIFF"):
        chunks = file[12:] + b"EXIF" + struct.pack("<I", len(exif)) + exif + bytes(len(exif) % 2)
        return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
    return file[:2] + jpeg_segment(0xE1, b"Exif\0\0" + exif) + file[2:]
