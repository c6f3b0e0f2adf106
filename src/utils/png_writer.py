"""Pixels to a PNG file (ISO/IEC 15948), in about a tenth of the time that Pillow takes."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from src.core.types import RgbImage

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BITS_PER_SAMPLE = 8
_COLOUR_TYPE_RGB = 2
_FILTER_UP = 2
# Of ISA-L's levels 0 to 3, this one made previews as small as Pillow's level 1 does; 2 takes longer and saves nothing.
_COMPRESSION_LEVEL = 1


def encode_png(rgb: RgbImage) -> bytes:
    """A PNG file of an RGB uint8 HxWx3 array with at least one pixel."""
    height, width = rgb.shape[:2]
    # The three zeros: deflate, the standard's set of filters, not interlaced.
    header = struct.pack(">IIBBBBB", width, height, _BITS_PER_SAMPLE, _COLOUR_TYPE_RGB, 0, 0, 0)
    compressed = isal_zlib.compress(_filtered(rgb), _COMPRESSION_LEVEL)
    chunks = _chunk(b"IHDR", header), _chunk(b"IDAT", compressed), _chunk(b"IEND", b"")
    return b"".join((_SIGNATURE, *(part for chunk in chunks for part in chunk)))


def _filtered(rgb: RgbImage) -> npt.NDArray[np.uint8]:
    """Each row as its differences to the row above, behind a byte that names this filter.

    One filter for all rows: on previews of eyes it comes within a few percent of a choice per row, which is where other
    encoders spend most of their time.
    """
    height, width = rgb.shape[:2]
    samples = rgb.reshape(height, 3 * width)
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = _FILTER_UP
    rows[0, 1:] = samples[0]
    # Bytes wrap around at 256, as the standard asks.
    np.subtract(samples[1:], samples[:-1], out=rows[1:, 1:])
    return rows


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)
