"""A JPEG is walked as decoders would walk it, and what they would stumble over is called by its name."""

from __future__ import annotations

import re
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from lab.chaos.mutated_pictures import seed_pictures
from src.core.errors import NotAPicture, UnsupportedPicture
from src.utils.image_codec import decode_picture
from src.utils.jpeg_walk import walk_jpeg
from tests.unit.utils.picture_files import LIMIT, exif_of, jpeg_segment, saved

JPEG = seed_pictures()["JPEG in colour"]
PROGRESSIVE = seed_pictures()["JPEG that is progressive"]
FRAME, SCAN = JPEG.index(b"\xff\xc0"), JPEG.index(b"\xff\xda")


def same_pixels(file: bytes) -> bool:
    return np.array_equal(decode_picture(file, LIMIT), decode_picture(JPEG, LIMIT))


@pytest.mark.parametrize(
    "beside",
    [
        b"\xff" * 1000,
        b"garbage between segments",
        b"\xff\0\xff\0",
        b"\xff\x01\xff\xd3",
        jpeg_segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 3,
        jpeg_segment(0xE2, b"MPF\0" + bytes(80)),
        jpeg_segment(0xED, b"Photoshop 3.0\0"),
        jpeg_segment(0xFE, b"a comment"),
        jpeg_segment(0xFE, b"") * 900,
    ],
    ids=lambda beside: f"{beside[:8]!r} of {len(beside)}",
)
def test_what_stands_beside_the_pixels_goes(beside: bytes) -> None:
    for place in (20, SCAN, len(JPEG)):
        file = JPEG[:place] + beside + JPEG[place:]
        assert walk_jpeg(file).needed_of(file) == JPEG
        assert same_pixels(file)


def test_a_second_picture_behind_it_is_not_looked_at() -> None:
    file = JPEG + b"\xff\xd8\xff\xff\xff\xc9 no picture at all"
    assert walk_jpeg(file).needed_of(file) == JPEG


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_the_segments_that_say_which_colours_samples_are_stay(mode: str) -> None:
    file = saved(Image.new(mode, (40, 40)), "JPEG")
    header = walk_jpeg(file)
    assert header.needed_of(file) == file
    assert header.space == {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}[mode]


@pytest.mark.parametrize(
    ("marker", "name"),
    [
        (0xC3, "a lossless JPEG"),
        (0xC5, "a hierarchical JPEG"),
        (0xC9, "a JPEG with arithmetic coding"),
        (0xCA, "a JPEG with arithmetic coding"),
        (0xF7, "a JPEG-LS"),
    ],
)
def test_kinds_that_browsers_do_not_show_are_named(marker: int, name: str) -> None:
    with pytest.raises(UnsupportedPicture, match=name):
        walk_jpeg(JPEG[:FRAME] + bytes([0xFF, marker]) + JPEG[FRAME + 2 :])


def test_twelve_bits_a_height_behind_the_pixels_and_strange_components_are_named() -> None:
    extended = JPEG[:FRAME] + b"\xff\xc1" + JPEG[FRAME + 2 :]
    assert walk_jpeg(extended).width == 56
    with pytest.raises(UnsupportedPicture, match="12 bits"):
        walk_jpeg(extended[: FRAME + 4] + b"\x0c" + extended[FRAME + 5 :])
    with pytest.raises(UnsupportedPicture, match="its height"):
        walk_jpeg(JPEG[: FRAME + 5] + b"\0\0" + JPEG[FRAME + 7 :])
    frame = jpeg_segment(0xC0, struct.pack(">BHHB", 8, 40, 56, 2) + b"\1\x11\0\2\x11\0")
    with pytest.raises(UnsupportedPicture, match="neither grey nor RGB nor CMYK"):
        walk_jpeg(JPEG[:FRAME] + frame + JPEG[SCAN:])


@pytest.mark.parametrize(
    "file",
    [
        JPEG[:2] + JPEG[SCAN:],
        JPEG[:SCAN] + b"\xff\xd9",
        JPEG[:SCAN] + JPEG[FRAME:],
        JPEG[:2] + b"\xff\xd8" + JPEG[2:],
        JPEG[:SCAN] + b"\xff\x05" + JPEG[SCAN:],
        JPEG[:SCAN] + b"\xff\xe3\0\1" + JPEG[SCAN:],
        JPEG[: FRAME + 9] + b"\xc8" + JPEG[FRAME + 10 :],
        JPEG[: FRAME + 7] + b"\0\0" + JPEG[FRAME + 9 :],
    ],
    ids=[
        "no frame",
        "no scan",
        "two frames",
        "two openings",
        "reserved",
        "a length of 1",
        "200 components",
        "no width",
    ],
)
def test_what_contradicts_the_standard_is_damaged(file: bytes) -> None:
    with pytest.raises(NotAPicture, match="damaged"):
        walk_jpeg(file)


@pytest.mark.parametrize("file", [JPEG, PROGRESSIVE])
def test_a_file_without_its_end_is_cut_off(file: bytes) -> None:
    for length in [*range(3, len(file) - 3, 7), len(file) - 3]:
        with pytest.raises(NotAPicture, match="cut off"):
            decode_picture(file[:length], LIMIT)


@pytest.mark.parametrize("file", [JPEG, PROGRESSIVE, saved(Image.effect_noise((64, 48), 50), "JPEG")])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_file_that_lacks_nothing_but_its_end_is_read(file: bytes, cut: int) -> None:
    assert np.array_equal(decode_picture(file[:-cut], LIMIT), decode_picture(file, LIMIT))


def test_a_progressive_file_that_lacks_a_scan_and_its_end_is_cut_off() -> None:
    for scan in re.finditer(b"\xff\xda", PROGRESSIVE):
        with pytest.raises(NotAPicture, match="cut off"):
            walk_jpeg(PROGRESSIVE[: scan.start()])


def test_without_an_end_the_scans_that_decoders_try_twice_and_cmyk_are_cut_off() -> None:
    cmyk = saved(Image.new("CMYK", (40, 40)), "JPEG")
    again = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    for file in (cmyk[:-2], PROGRESSIVE[:-2] + again * 12):
        with pytest.raises(NotAPicture, match="cut off"):
            decode_picture(file, LIMIT)


@pytest.mark.parametrize("byte", [b"\0", b"\xff"])
def test_the_byte_behind_the_name_of_exif_does_not_matter(byte: bytes) -> None:
    file = JPEG[:2] + jpeg_segment(0xE1, b"Exif\0" + byte + exif_of(6)) + JPEG[2:]
    assert walk_jpeg(file).orientation == 6


def test_pixels_that_cannot_be_in_so_few_bytes_are_cut_off() -> None:
    with pytest.raises(NotAPicture, match="cut off"):
        walk_jpeg(JPEG[: FRAME + 5] + struct.pack(">HH", 20_000, 20_000) + JPEG[FRAME + 9 :])


def test_only_one_pass_over_the_pixels_is_sequential() -> None:
    assert walk_jpeg(JPEG).is_sequential
    assert not walk_jpeg(PROGRESSIVE).is_sequential
    assert walk_jpeg(PROGRESSIVE).scans > 5
    # One component in its scan where three are in the frame.
    assert not walk_jpeg(JPEG[: SCAN + 4] + b"\1" + JPEG[SCAN + 5 :]).is_sequential


def test_careful_encoders_may_write_24_scans_and_nobody_a_hundred() -> None:
    scan = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    usual = walk_jpeg(PROGRESSIVE).scans
    assert walk_jpeg(PROGRESSIVE[:-2] + scan * (24 - usual) + b"\xff\xd9").scans == 24
    with pytest.raises(UnsupportedPicture, match="scans"):
        walk_jpeg(PROGRESSIVE[:-2] + scan * 100 + b"\xff\xd9")


def test_the_larger_a_picture_the_fewer_its_scans_which_are_a_pass_over_all_pixels_each() -> None:
    start = PROGRESSIVE.index(b"\xff\xc2") + 5
    large = PROGRESSIVE[:start] + struct.pack(">HH", 6300, 6300) + PROGRESSIVE[start + 4 :]
    scan = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    with pytest.raises(UnsupportedPicture, match=r"^the JPEG of 6300x6300 pixels has more than 12 scans; "):
        walk_jpeg(large[:-2] + scan * 12 + b"\xff\xd9")


def test_tables_may_be_scattered_over_as_many_places_as_careful_encoders_have_scans() -> None:
    between = jpeg_segment(0xFE, b"a comment") + jpeg_segment(0xDD, bytes(2))
    file = JPEG[:2] + between * 60 + JPEG[2:]
    assert len(walk_jpeg(file).spans) <= 64
    with pytest.raises(UnsupportedPicture, match="more than 64 places"):
        walk_jpeg(JPEG[:2] + between * 64 + JPEG[2:])


def test_what_is_known_of_any_jpeg_takes_less_than_20_kib() -> None:
    profile = b"".join(jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 64]) + b"x") for n in range(1, 65))
    file = JPEG[:2] + (jpeg_segment(0xFE, b"") + jpeg_segment(0xDD, bytes(2))) * 62 + profile + JPEG[2:]
    tracemalloc.start()
    headers = [walk_jpeg(file) for _ in range(20)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(headers[0].spans), len(headers[0].colour.icc)) == (64, 64)
    assert taken < 20 * 20 * 1024


def test_a_profile_in_more_parts_than_the_largest_needs_is_none() -> None:
    parts = b"".join(jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 65]) + b"x") for n in range(1, 66))
    assert walk_jpeg(JPEG[:2] + parts + JPEG[2:]).colour.icc == ()


def test_the_parts_of_a_profile_are_put_in_order_and_a_missing_one_makes_it_none() -> None:
    first, second = (jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 2]) + b"part%d" % n) for n in (1, 2))
    file = JPEG[:2] + second + first + JPEG[2:]
    assert [file[start:end] for start, end in walk_jpeg(file).colour.icc] == [b"part1", b"part2"]
    assert walk_jpeg(JPEG[:2] + second + JPEG[2:]).colour.icc == ()
