"""What is written is a whole PNG file, of the very pixels, for every reader."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
import pytest
from PIL import Image

from src.core.errors import NotAPicture
from src.core.types import RgbImage
from src.utils.png_writer import encode_png, without_compression
from tests.unit.utils.picture_files import png

Draw: TypeAlias = Callable[[int, int], RgbImage]
SIZES = [(1, 1), (1, 7), (7, 1), (1, 300), (300, 1), (512, 3), (3, 512), (470, 512), (37, 41)]


def noise(height: int, width: int) -> RgbImage:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def flat(height: int, width: int) -> RgbImage:
    return np.full((height, width, 3), (250, 3, 128), np.uint8)


def gradient(height: int, width: int) -> RgbImage:
    """Its differences wrap around at 256."""
    rows, columns = np.indices((height, width))
    return np.asarray(np.stack([rows * 201, columns * 3, rows * columns], axis=2), np.int64).astype(np.uint8)


def chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and data of each chunk, after a look at its checksum."""
    found, place = [], 8
    while place < len(file):
        (length,) = struct.unpack_from(">I", file, place)
        kind, data = file[place + 4 : place + 8], file[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", file, place + 8 + length) == (zlib.crc32(kind + data),)
        found.append((kind, data))
        place += 12 + length
    assert place == len(file)
    return found


@pytest.mark.parametrize("draw", [noise, flat, gradient])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_pillow_and_opencv_read_the_same_pixels_from_the_chunks_of_the_standard(
    draw: Draw, height: int, width: int
) -> None:
    picture = draw(height, width)
    file = encode_png(picture)
    assert np.array_equal(picture, draw(height, width))
    with Image.open(io.BytesIO(file)) as read:
        assert (read.format, read.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(read), picture)
    assert np.array_equal(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1], picture)
    assert file.startswith(b"\x89PNG\r\n\x1a\n")
    (ihdr, header), (idat, compressed), (iend, nothing) = chunks(file)
    assert (ihdr, idat, iend, nothing) == (b"IHDR", b"IDAT", b"IEND", b"")
    assert header == struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    # zlib checks the stream's own checksum and end.
    stream = zlib.decompressobj()
    assert len(stream.decompress(compressed)) == height * (1 + 3 * width)
    assert stream.eof
    assert stream.unused_data == b""


def test_a_view_into_a_larger_picture_is_written_as_it_looks() -> None:
    view = noise(60, 80)[10:40:2, 60:5:-3]
    with Image.open(io.BytesIO(encode_png(view))) as read:
        assert np.array_equal(np.asarray(read), view)


def test_a_photograph_takes_no_more_room_than_with_pillow(face: RgbImage) -> None:
    usual = io.BytesIO()
    Image.fromarray(face).save(usual, "PNG", compress_level=1)
    assert len(encode_png(face)) <= 1.05 * len(usual.getvalue())


# Depth and channels by the PNG specification's types of colour.
KINDS = [(0, 1, 1), (0, 2, 1), (0, 8, 1), (0, 16, 1), (2, 8, 3), (2, 16, 3), (4, 8, 2), (6, 8, 4), (6, 16, 4)]


def rows_of(width: int, height: int, depth: int, channels: int) -> bytes:
    """Noise, each row with another one of the five filters."""
    length = -(-width * depth * channels // 8)
    noise_ = np.random.default_rng(0).integers(0, 256, (height, length), dtype=np.uint8)
    return b"".join(bytes([row % 5]) + noise_[row].tobytes() for row in range(height))


@pytest.mark.parametrize(("colour_type", "depth", "channels"), KINDS)
@pytest.mark.parametrize(("width", "height"), [(33, 40), (300, 257)])
def test_without_compression_it_is_the_same_picture(
    colour_type: int, depth: int, channels: int, width: int, height: int
) -> None:
    file = png(width, height, depth, colour_type, rows_of(width, height, depth, channels))
    stored = without_compression(file).read()
    assert [kind for kind, _ in chunks(stored)] == [b"IHDR", b"IDAT", b"IEND"]
    with Image.open(io.BytesIO(file)) as one, Image.open(io.BytesIO(stored)) as other:
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 9), (5, 3), (33, 40), (64, 64)])
def test_an_interlaced_one_too(width: int, height: int) -> None:
    """Of any size, because passes of small pictures are empty."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    sizes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in passes]
    rows = b"".join(rows_of(columns, count, 8, 3) for columns, count in sizes if columns)
    plain = png(width, height, 8, 2, rows)
    header = plain[12:28] + b"\1"
    file = plain[:12] + header + struct.pack(">I", zlib.crc32(header)) + plain[33:]
    with Image.open(io.BytesIO(file)) as one, Image.open(without_compression(file)) as other:
        assert one.tobytes() == other.tobytes()


def test_what_is_damaged_or_cut_off_is_found_before_any_decoder_sees_it() -> None:
    rows = rows_of(33, 40, 8, 3)
    file = png(33, 40, 8, 2, rows)
    for place in (50, 200, len(file) - 20):
        with pytest.raises(NotAPicture, match="damaged"):
            without_compression(file[:place] + bytes([file[place] ^ 4]) + file[place + 1 :])
    with pytest.raises(NotAPicture, match="cut off"):
        without_compression(png(33, 40, 8, 2, rows[:-1]))
    with pytest.raises(NotAPicture, match="damaged"):
        without_compression(png(33, 40, 8, 2, b"\5" + rows[1:]))
    longer = without_compression(png(33, 40, 8, 2, rows + bytes(100_000_000)))
    assert len(longer.getvalue()) < len(rows) + 200
