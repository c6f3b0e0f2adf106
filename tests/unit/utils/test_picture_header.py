"""What a file is, is known before anything is decoded, at a cost that its bytes bound and not its claims."""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image

from lab.chaos.mutated_pictures import png_chunk, seed_pictures
from src.core.errors import NotAPicture, PictureTooLarge, PictureTooSmall, UnsupportedPicture
from src.utils.image_codec import decode_picture_of
from src.utils.picture_header import read_picture_header
from tests.unit.utils.picture_files import LIMIT, PNG_SIGNATURE, exif_of, jpeg_segment, saved


@pytest.mark.parametrize("kind", [kind for kind in seed_pictures() if "animated" not in kind])
def test_a_picture_is_known_by_its_header_and_decoded_from_what_pixels_need(kind: str) -> None:
    file = seed_pictures()[kind]
    header = read_picture_header(file, LIMIT)
    assert kind.startswith({"JPEG": "JPEG", "PNG": "PNG", "WEBP": "WebP", "BMP": "BMP"}[header.format])
    assert (header.width, header.height, header.pixels, header.shrink) == (56, 40, 56 * 40, 1)
    needed = header.needed_of(file)
    again = read_picture_header(needed, LIMIT)
    assert (again.orientation, again.colour.icc) == (1, ())
    assert again.needed_of(needed) == needed
    # Turning and colours are all that the rest says.
    stored = replace(header, orientation=1, colour=again.colour)
    assert (decode_picture_of(file, stored) == decode_picture_of(needed, again)).all()


def test_a_file_of_nothing_but_pixels_is_not_copied() -> None:
    for kind in ("JPEG in colour", "BMP in colour"):
        file = seed_pictures()[kind]
        assert read_picture_header(file, LIMIT).needed_of(file) is file


TIFF_OF_CANON = b"II*\0\x10\0\0\0CR\2\0" + bytes(40)


@pytest.mark.parametrize(
    ("opening", "name"),
    [
        (b"GIF89a", "a GIF"),
        (b"II*\0\x08\0\0\0", "a TIFF or a camera raw file"),
        (b"MM\0*\0\0\0\x08", "a TIFF or a camera raw file"),
        (TIFF_OF_CANON, "a camera raw file"),
        (b"FUJIFILMCCD-RAW 0201", "a camera raw file"),
        (b"IIRO\x08\0\0\0", "a camera raw file"),
        (b"IIU\0\x18\0\0\0", "a camera raw file"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera raw file"),
        (b"II\xbc\x01", "a JPEG XR"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x20ftypisom\0\0\2\0", "HEIC, AVIF or a video"),
        (b"\x1a\x45\xdf\xa3", "a video"),
        (b"RIFF\x00\x10\0\0AVI LIST", "a video"),
        (b"\xff\x0a\xfa\x1f", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x4f\xff\x51", "JPEG 2000"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (bytes(128) + b"DICM", "DICOM"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"\0\0\1\0\1\0", "an icon"),
        (b"P6\n640 480\n255\n", "a PNM"),
        (b"qoif\0\0\2\x80", "a QOI"),
        (b"\x76\x2f\x31\x01", "an OpenEXR"),
        (b"#?RADIANCE\n", "a Radiance HDR"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"<!DOCTYPE html><html>", "an HTML page"),
        (b"\n <html lang='en'>", "an HTML page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG or XML"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "SVG or XML"),
        (b"PK\3\4", "a ZIP archive"),
        (b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_what_is_not_read_is_called_by_its_name(opening: bytes, name: str) -> None:
    with pytest.raises(UnsupportedPicture) as refusal:
        read_picture_header(opening + bytes(200), LIMIT)
    assert str(refusal.value) == f"the picture is {name}; send PNG, JPEG, WebP or BMP"


@pytest.mark.parametrize("file", [b"P", b"hello, world", b"RIFF\x10\0\0\0WAVE", b"\xff\xd8", bytes(300), b"ftyp"])
def test_what_is_no_picture_is_not_called_one(file: bytes) -> None:
    with pytest.raises(NotAPicture, match="not a picture that can be read"):
        read_picture_header(file, LIMIT)


class TestSize:
    def test_one_pixel_more_than_allowed_is_too_many(self) -> None:
        file = saved(Image.new("RGB", (50, 40)), "PNG")
        assert read_picture_header(file, 2000).pixels == 2000
        with pytest.raises(PictureTooLarge, match=r"50x40 pixels, more than the 1,999 allowed"):
            read_picture_header(file, 1999)

    @pytest.mark.parametrize("size", [(31, 60), (60, 31)])
    def test_less_than_32_pixels_a_side_are_too_few(self, size: tuple[int, int]) -> None:
        with pytest.raises(PictureTooSmall, match=f"{size[0]}x{size[1]}"):
            read_picture_header(saved(Image.new("RGB", size), "PNG"), LIMIT)

    @pytest.mark.parametrize(("limit", "shrink"), [(80_000, 1), (79_999, 2), (20_000, 2), (19_999, 4), (4_999, 8)])
    def test_a_jpeg_of_one_pass_is_read_smaller_where_that_brings_it_under_the_limit(
        self, limit: int, shrink: int
    ) -> None:
        header = read_picture_header(saved(Image.new("RGB", (320, 250)), "JPEG"), limit)
        assert (header.shrink, header.pixels) == (shrink, 80_000)
        assert header.decoded_size == (-(-320 // shrink), -(-250 // shrink))

    def test_it_is_too_large_where_no_shrinking_helps_or_too_little_would_be_left(self) -> None:
        for limit in (1_279, 100):
            with pytest.raises(PictureTooLarge, match="320x250"):
                read_picture_header(saved(Image.new("RGB", (320, 250)), "JPEG"), limit)

    @pytest.mark.parametrize(("file_format", "progressive"), [("JPEG", True), ("PNG", False), ("WEBP", False)])
    def test_what_is_decoded_as_a_whole_is_not_read_smaller(self, file_format: str, progressive: bool) -> None:
        with pytest.raises(PictureTooLarge):
            read_picture_header(saved(Image.new("RGB", (320, 250)), file_format, progressive=progressive), 79_999)


JPEG = seed_pictures()["JPEG in colour"]
PNG = seed_pictures()["PNG in colour"]
# What a file is like, and what is said of it; nothing where it is read.
BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "30 million fill bytes": (lambda: JPEG[:2] + b"\xff" * 30_000_000 + JPEG[2:], ""),
    "8 million empty segments": (lambda: JPEG[:2] + b"\xff\xe0\0\2" * 8_000_000 + JPEG[2:], "than 1,000 parts"),
    "10 million stuffed bytes": (lambda: JPEG[:2] + b"\xff\0" * 10_000_000 + JPEG[2:], "than 1,000 parts"),
    "100,000 EXIF blocks": (
        lambda: JPEG[:2] + jpeg_segment(0xE1, b"Exif\0\0" + exif_of(6, kind=2)) * 100_000 + JPEG[2:],
        "than 1,000 parts",
    ),
    "50 large tables": (lambda: JPEG[:2] + jpeg_segment(0xDB, bytes(60_000)) * 50 + JPEG[2:], "more tables"),
    "300 tables, each behind a comment": (
        lambda: JPEG[:2] + (jpeg_segment(0xFE, b"") + jpeg_segment(0xDD, bytes(2))) * 300 + JPEG[2:],
        "than 64 places",
    ),
    "10 million restarts": (lambda: JPEG[:-2] + b"\xff\xd0" * 10_000_000 + b"\xff\xd9", ""),
    "2,500 scans": (lambda: JPEG[:-2] + JPEG[JPEG.index(b"\xff\xda") : -2] * 2_500 + b"\xff\xd9", "more than 28 scans"),
    "2 million chunks": (lambda: PNG[:33] + png_chunk(b"abCd", b"") * 2_000_000 + PNG[33:], "than 60,000 chunks"),
    "50,000 gammas": (lambda: PNG[:33] + png_chunk(b"gAMA", b"\0\0\0\1") * 50_000 + PNG[33:], ""),
    "2 million chunks of WebP": (
        lambda: b"RIFF\xff\xff\xff\x7fWEBP" + b"XMP \0\0\0\0" * 2_000_000,
        "than 1,000 chunks",
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_file_of_very_many_parts_is_read_or_refused_in_a_moment(kind: str) -> None:
    make, said = BOMBS[kind]
    file = make()
    # Of this thread, which a busy machine does not make much longer.
    started = time.thread_time()
    with pytest.raises(UnsupportedPicture, match=said) if said else contextlib.nullcontext():
        read_picture_header(file, LIMIT)
    assert time.thread_time() - started < 2


def test_signatures_alone_are_cut_off() -> None:
    for file in (PNG_SIGNATURE, b"\xff\xd8\xff", b"RIFF" + struct.pack("<I", 100) + b"WEBP", b"BM"):
        with pytest.raises(NotAPicture, match="cut off"):
            read_picture_header(file, LIMIT)
