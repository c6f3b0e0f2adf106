"""PNG files (ISO/IEC 15948): of pixels, in about a tenth of Pillow's time; and of other files, without compression."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from src.core.types import RgbImage
from src.utils.chunk_walks import PNG_SIGNATURE
from src.utils.picture_parts import cut_off, damaged

# Of a stored block (RFC 1951, section 3.2.4).
_MOST_STORED_BYTES = 65_535
# Unpacked, they are 17 MB at the most.
_WINDOW_BYTES, _SMALL_BYTES = 16_384, 1_024
# libpng warns of IDAT of more than 8 MB that hold small blocks.
_CHUNK_BYTES = 1_000_000
# Where the pixels of each of Adam7's passes begin, and how far they are apart; and those of a file without.
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_ONE_PASS = ((0, 0, 1, 1),)
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_FILTERS = bytes(range(5))

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
    return b"".join((PNG_SIGNATURE, *(part for chunk in chunks for part in chunk)))


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


def _chunk(kind: bytes, data: bytes | bytearray) -> tuple[bytes, bytes, bytes | bytearray, bytes]:
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)


def without_compression(file: bytes) -> io.BytesIO:
    """The same PNG with its pixels unpacked: what decoders then read can be damaged in no way.

    It takes no longer: ISA-L unpacks in half the time of zlib, and lets other threads go on.

    Args:
        file: IHDR, PLTE, tRNS and the IDAT in a row, of which all but the IDAT are known to be sound, as
            `picture_header` leaves them. Bytes behind the pixels are passed over.

    Raises:
        NotAPicture: damaged or cut off.
    """
    width, height, bits, colour_type, _, _, interlace = struct.unpack_from(">IIBBBBB", file, 16)
    lengths = []
    for left, top, across, down in _ADAM7 if interlace else _ONE_PASS:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            lengths.append((rows, 1 + -(-columns * bits * _CHANNELS[colour_type] // 8)))
    missing = sum(rows * length for rows, length in lengths)
    begin = len(PNG_SIGNATURE)
    while file[begin + 4 : begin + 8] != b"IDAT":
        begin += 12 + int.from_bytes(file[begin : begin + 4], "big")
    stored = io.BytesIO()
    stored.write(file[:begin])
    # Opens a zlib stream (RFC 1950).
    content = bytearray(b"\x78\x01")
    unpacker, checksum = isal_zlib.decompressobj(), 1
    for packed in _windows(file, begin):
        try:
            piece = memoryview(unpacker.decompress(packed))[:missing]
        except isal_zlib.error:  # type: ignore[misc]
            raise damaged() from None
        if not interlace and bytes(piece[missing % lengths[0][1] :: lengths[0][1]]).translate(None, _FILTERS):
            raise damaged()
        missing -= len(piece)
        checksum = isal_zlib.adler32(piece, checksum)
        for place in range(0, len(piece), _MOST_STORED_BYTES):
            block = piece[place : place + _MOST_STORED_BYTES]
            content += struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
            content += block
            if len(content) > _CHUNK_BYTES:
                stored.writelines(_chunk(b"IDAT", content))
                content = bytearray()
        if not missing:
            break
    if missing:
        raise cut_off()
    # The last block is empty.
    content += struct.pack(">BHHI", 1, 0, 0xFFFF, checksum)
    stored.writelines((*_chunk(b"IDAT", content), *_chunk(b"IEND", b"")))
    stored.seek(0)
    return stored


def _windows(file: bytes, place: int) -> Iterator[bytes | memoryview]:
    """What the IDAT from `place` to the end hold, some kilobytes at a time. Raises NotAPicture if one is damaged."""
    view, small = memoryview(file), bytearray()
    while place < len(file):
        start = place + 8
        end = start + int.from_bytes(view[place:start][:4], "big")
        if isal_zlib.crc32(view[place + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise damaged()
        place = end + 4
        # Very many that hold next to nothing are put together: each call of the unpacker has its price.
        small += view[start : min(start + _SMALL_BYTES, end)]
        if end - start <= _SMALL_BYTES and len(small) < _WINDOW_BYTES and place < len(file):
            continue
        yield bytes(small)
        small.clear()
        yield from (view[at : min(at + _WINDOW_BYTES, end)] for at in range(start + _SMALL_BYTES, end, _WINDOW_BYTES))
