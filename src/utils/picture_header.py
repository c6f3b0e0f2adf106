"""Says what a picture file is before any decoder sees it: format, size, orientation, colours, and what pixels need.

It reads in one pass, in a time that grows with the bytes and not with what they claim, and copies nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from src.core.errors import EyeNetError, NotAPicture, PictureTooLarge, PictureTooSmall, UnsupportedPicture
from src.utils.chunk_walks import PNG_SIGNATURE, walk_bmp, walk_png, walk_webp
from src.utils.jpeg_walk import walk_jpeg
from src.utils.picture_parts import PictureHeader, cut_off

_MIN_SIDE_PIXELS = 32
# What libjpeg reads a sequential JPEG smaller by, because a block of 8 x 8 pixels has its mean in front.
_SHRINKS = (1, 2, 4, 8)
_READABLE_SENTENCE = "send PNG, JPEG, WebP or BMP"


def read_picture_header(data: bytes, max_pixels: int) -> PictureHeader:
    """What the file is, without decoding it.

    Args:
        data: a PNG, JPEG, WebP or BMP file.
        max_pixels: largest width x height. A JPEG whose pixels can be read in one pass may have up to 64 times as many,
            and is then read smaller.

    Raises:
        UnsupportedPicture: a picture of another format or kind, or an animated one.
        NotAPicture: not a picture, or a damaged one.
        PictureTooLarge: more than `max_pixels`.
        PictureTooSmall: a side of less than 32 px.
    """
    walk = next((walk for opening, walk in _READ.items() if re.match(opening, data, re.DOTALL)), None)
    if walk is None:
        raise _unread(data)
    header = _within(walk(data), max_pixels)
    if header.spans[-1][1] > len(data):
        raise cut_off()
    return header


def _within(header: PictureHeader, max_pixels: int) -> PictureHeader:
    """The header, shrunk where that brings it under the limit."""
    size = f"{header.width}x{header.height}"
    if min(header.width, header.height) < _MIN_SIDE_PIXELS:
        raise PictureTooSmall(f"the picture has {size} pixels; each side needs {_MIN_SIDE_PIXELS} or more")
    for shrink in _SHRINKS if header.is_sequential else (1,):
        shrunk = replace(header, shrink=shrink)
        width, height = shrunk.decoded_size
        if width * height <= max_pixels and min(width, height) >= _MIN_SIDE_PIXELS:
            return shrunk
    raise PictureTooLarge(f"the picture has {size} pixels, more than the {max_pixels:,} allowed")


def begins_like_a_picture(opening: bytes) -> bool:
    """Whether a file whose first `OPENING_BYTES` are these is a picture, of a format that is read or of another."""
    if opening.startswith(b"BM"):
        # Two letters alone would take any text that begins with them for a BMP: its reserved bytes are zero.
        return opening[6:10] == bytes(4)
    return any(re.match(pattern, opening, re.DOTALL) for pattern in (*_READ, *_OTHER_PICTURES))


OPENING_BYTES = 512

# How files begin: pictures that are read, other pictures, and what else people send in good faith.
_READ: dict[bytes, Callable[[bytes], PictureHeader]] = {
    rb"\xff\xd8\xff": walk_jpeg,
    re.escape(PNG_SIGNATURE): walk_png,
    rb"RIFF.{4}WEBP": walk_webp,
    rb"BM": walk_bmp,
}
_OTHER_PICTURES = {
    rb"GIF8": "a GIF",
    rb"(?:II\*\0|MM\0\*|II\+\0|MM\0\+).{4}CR": "a camera raw file",
    rb"FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR|FOVb|\0MRM": "a camera raw file",
    rb"II\*\0|MM\0\*|II\+\0|MM\0\+": "a TIFF or a camera raw file",
    rb"II\xbc": "a JPEG XR",
    rb".{4}ftypcrx ": "a camera raw file",
    rb".{4}ftyp(?:avif|avis)": "AVIF",
    rb".{4}ftyp(?:hei|hev|mia|mif|msf)": "HEIC",
    rb"\xff\x0a|.{4}JXL \r\n": "JPEG XL",
    rb"\xff\x4f\xff\x51|.{4}jP  \r\n": "JPEG 2000",
    rb".{128}DICM": "DICOM",
    rb"8BPS": "a Photoshop file",
    rb"qoif": "a QOI",
    rb"\x76\x2f\x31\x01": "an OpenEXR",
    rb"#\?(?:RADIANCE|RGBE)": "a Radiance HDR",
}
_OTHERS = {
    rb".{4}ftyp": "HEIC, AVIF or a video",
    rb"\0\0[\x01\x02]\0": "an icon",
    rb"P[1-7fF]\s": "a PNM",
    rb"%PDF": "a PDF",
    rb"\s*(?i:<!doctype html|<html)": "an HTML page",
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml|<svg|<!)|.{0,255}<svg": "SVG or XML",
    rb"PK\x03\x04": "a ZIP archive",
    rb"\x1f\x8b": "gzip",
    rb"\x1a\x45\xdf\xa3|RIFF.{4}AVI |\0\0\x01\xba|FLV\x01": "a video",
}


def _unread(data: bytes) -> EyeNetError:
    if not data:
        return NotAPicture("the picture is empty")
    opening = data[:OPENING_BYTES]
    for pattern, name in (_OTHER_PICTURES | _OTHERS).items():
        if re.match(pattern, opening, re.DOTALL):
            return UnsupportedPicture(f"the picture is {name}; {_READABLE_SENTENCE}")
    return NotAPicture(f"the data is not a picture that can be read; {_READABLE_SENTENCE}")
