"""What a picture file is found to be before anything is decoded, and the one fact of EXIF that turns pictures."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

from src.core.errors import NotAPicture

Span: TypeAlias = tuple[int, int]
"""Where a part of a file begins, and where what follows it begins."""

_ORIENTATION_TAG = 0x0112
_EXIF_PREFIX = b"Exif\0\0"
# BYTE, SHORT and LONG of TIFF 6.0: the standard asks for SHORT, cameras wrote the others as well.
_INTEGER_TYPES = {1: "B", 3: "H", 4: "I"}
_ENTRY_BYTES = 12


@dataclass(frozen=True, slots=True)
class DeclaredColour:
    """What a file says of its colours; nothing at all means sRGB.

    Attributes:
        icc: the parts of an ICC profile, in their order.
        is_deflated: the profile is a zlib stream (PNG's iCCP).
        cicp: colour primaries and transfer characteristics of ITU-T H.273 (PNG's cICP).
        gamma: what PNG's gAMA says: the exponent from light to samples, times 100,000.
        chromaticities: what PNG's cHRM says: x and y of white, red, green and blue, times 100,000.
    """

    icc: tuple[Span, ...] = ()
    is_deflated: bool = False
    cicp: tuple[int, int] | None = None
    gamma: int | None = None
    chromaticities: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """A picture file as far as it can be known without its pixels. It holds places and numbers, none of the bytes.

    Attributes:
        format: "JPEG", "PNG", "WEBP" or "BMP".
        width, height: in pixels, as stored, before it is turned or shrunk.
        spans: all that a decoder needs, which are a file of this format between `prefix` and `suffix`.
        prefix: bytes before the spans, where the file's own opening does not fit the parts that are left.
        suffix: the end that a JPEG lacks; whether all of its pixels are there, only a decoder knows.
        orientation: 1 to 8, as EXIF counts them; 1 is upright.
        shrink: 1, 2, 4 or 8: it is read so many times smaller per side, which costs nothing.
        is_sequential: a JPEG whose pixels can be read from top to bottom in one pass.
        scans: how many passes over its pixels a JPEG makes.
        space: of its samples: "RGB", "GRAY" or "CMYK". Colours of a palette are RGB.
        colour: what it says of its colours.
    """

    format: str
    width: int
    height: int
    spans: tuple[Span, ...]
    prefix: bytes = b""
    suffix: bytes = b""
    orientation: int = 1
    shrink: int = 1
    is_sequential: bool = False
    scans: int = 0
    space: str = "RGB"
    colour: DeclaredColour = DeclaredColour()

    @property
    def pixels(self) -> int:
        """Width x height of what is stored."""
        return self.width * self.height

    @property
    def decoded_size(self) -> tuple[int, int]:
        """Width and height of what is decoded, before it is turned."""
        return -(-self.width // self.shrink), -(-self.height // self.shrink)

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of what is stored, once it is turned."""
        return (self.height, self.width) if self.orientation > 4 else (self.width, self.height)

    def needed_of(self, data: bytes) -> bytes:
        """The file without what pixels do not need; the very same object where nothing has to go."""
        if not self.prefix and not self.suffix and self.spans == ((0, len(data)),):
            return data
        view = memoryview(data)
        return b"".join([self.prefix, *(view[start:end] for start, end in self.spans), self.suffix])


class Spans:
    """Collects spans in the order of the file and merges those that touch."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, start: int, end: int) -> None:
        if self._spans and self._spans[-1][1] == start:
            start = self._spans.pop()[0]
        self._spans.append((start, end))

    def all(self) -> tuple[Span, ...]:
        return tuple(self._spans)


def damaged() -> NotAPicture:
    """For a file whose parts contradict the standard or each other."""
    return NotAPicture("the picture is damaged or cut off")


def cut_off() -> NotAPicture:
    """For a file that ends before what it announces."""
    return NotAPicture("the picture is cut off: the file ends before its pixels do")


def orientation_of(exif: memoryview) -> int | None:
    """Orientation 1 to 8 of an EXIF block (CIPA DC-008, a TIFF directory); None where it has none that EXIF knows.

    It may begin with "Exif", as some writers have it. Only the entries of the first directory are looked at, one after
    the other, at most 65,535; nothing is followed, nothing copied.
    """
    if exif[:6] == _EXIF_PREFIX:
        exif = exif[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(exif[:4]))
    if order is None or len(exif) < 8:
        return None
    directory = struct.unpack_from(f"{order}I", exif, 4)[0]
    if directory + 2 > len(exif):
        return None
    first = directory + 2
    end = min(first + _ENTRY_BYTES * struct.unpack_from(f"{order}H", exif, directory)[0], len(exif) - _ENTRY_BYTES + 1)
    tag = struct.pack(f"{order}H", _ORIENTATION_TAG)
    for place in range(first, end, _ENTRY_BYTES):
        if exif[place : place + 2] == tag:
            kind, count = struct.unpack_from(f"{order}HI", exif, place + 2)
            if count != 1 or kind not in _INTEGER_TYPES:
                return None
            value: int = struct.unpack_from(order + _INTEGER_TYPES[kind], exif, place + 8)[0]
            return value if 1 <= value <= 8 else None
    return None
