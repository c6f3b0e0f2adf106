"""EXIF says which way is up, in either byte order and in all three formats, and says nothing else."""

from __future__ import annotations

import struct
import time

import pytest

from lab.chaos.mutated_pictures import png_chunk, seed_pictures
from src.utils.picture_header import read_picture_header
from src.utils.picture_parts import orientation_of
from tests.unit.utils.picture_files import LIMIT, exif_of, jpeg_segment, with_exif

FILES = [seed_pictures()[kind] for kind in ("JPEG in colour", "JPEG in CMYK", "PNG in colour", "WebP")]


def orientation(file: bytes) -> int:
    return read_picture_header(file, LIMIT).orientation


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [1, 3, 4], ids=["BYTE", "SHORT", "LONG"])
@pytest.mark.parametrize("value", range(1, 9))
def test_it_is_read_in_either_byte_order_and_as_any_integer(order: str, kind: int, value: int) -> None:
    assert orientation_of(memoryview(exif_of(value, order, kind, before=20))) == value
    assert orientation_of(memoryview(b"Exif\0\0" + exif_of(value, order, kind))) == value


@pytest.mark.parametrize("value", range(1, 9))
def test_lying_pictures_change_width_and_height_when_they_are_turned(value: int) -> None:
    header = read_picture_header(with_exif(FILES[0], exif_of(value)), LIMIT)
    stored = header.width, header.height
    assert stored[0] != stored[1]
    assert header.upright_size == (stored if value <= 4 else stored[::-1])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file[:4].hex())
def test_it_turns_every_format_with_or_without_its_name_in_front(file: bytes) -> None:
    assert orientation(with_exif(file, exif_of(6, ">"))) == 6
    assert orientation(with_exif(file, exif_of(9))) == 1
    if not file.startswith(b"\xff\xd8"):
        assert orientation(with_exif(file, b"Exif\0\0" + exif_of(8))) == 8


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\0",
        b"II*\0\x08\0\0",
        b"II+\0\x08\0\0\0\0\0",
        b"II*\0\xff\xff\xff\xff\xff\xff",
        b"MM\0*" + b"\xff" * 40,
        exif_of(0),
        exif_of(9),
        exif_of(6, kind=2),
        exif_of(6)[:-12],
        # Two values where there is one.
        exif_of(6).replace(b"\3\0\1\0\0\0", b"\3\0\2\0\0\0"),
        # A directory that is its own successor, and entries that point to themselves.
        b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8),
    ],
)
def test_what_makes_no_sense_says_nothing(exif: bytes) -> None:
    assert orientation_of(memoryview(exif)) is None
    for file in FILES:
        assert orientation(with_exif(file, exif)) == 1


def test_five_thousand_tags_that_all_claim_the_whole_block_cost_nothing() -> None:
    tags = b"".join(struct.pack("<HHII", 0x9000 + tag % 4096, 7, 60_000, 1) for tag in range(5000))
    exif = b"II*\0\x08\0\0\0" + struct.pack("<H", 5001) + tags + exif_of(6)[10:]
    started = time.thread_time()
    for file in FILES:
        assert orientation(with_exif(file, exif)) == 6
    assert time.thread_time() - started < 0.5


def test_exif_over_several_segments_is_read_as_far_as_the_first_says_it() -> None:
    jpeg, exif = seed_pictures()["JPEG in colour"], exif_of(6) + bytes(70_000)
    parts = b"".join(jpeg_segment(0xE1, b"Exif\0\0" + exif[at : at + 60_000]) for at in (0, 60_000))
    assert orientation(jpeg[:2] + parts + jpeg[2:]) == 6


@pytest.mark.parametrize("file", [FILES[0], FILES[2], FILES[3]], ids=["JPEG", "PNG", "WebP"])
def test_neither_xmp_nor_texts_turn_a_picture(file: bytes) -> None:
    xmp = b'<x:xmpmeta xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    profile = b"\nexif\n      32\n" + exif_of(6).hex().encode()
    if file.startswith(b"\xff\xd8"):
        file = file[:2] + jpeg_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp) + file[2:]
    elif file.startswith(b"RIFF"):
        file = with_exif(file, xmp).replace(b"EXIF", b"XMP ")
    else:
        texts = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
        texts += png_chunk(b"tEXt", b"Raw profile type exif\0" + profile)
        file = file[:33] + texts + file[33:]
    assert orientation(file) == 1
