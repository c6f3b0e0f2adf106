"""Walks over the segments and scans of a JPEG file (ITU-T T.81) without decoding anything."""

from __future__ import annotations

import re

from src.core.errors import NotAPicture, UnsupportedPicture
from src.utils.picture_parts import DeclaredColour, PictureHeader, Span, Spans, cut_off, damaged, orientation_of

# What stands before, between and behind the scans: of metadata, 64 kB a segment, more than a body may have.
_MOST_SEGMENTS = 1_000
# Of what is kept, with something that goes in between; and of a profile, 4 MB. They are remembered as long as the
# request is there.
_MOST_PLACES = 64
# A scan needs some hundred bytes of tables.
_MOST_TABLE_BYTES = 100_000
# Of a progressive file each costs a pass over all pixels, up to 55 ms for 40 million. Encoders write 10, careful ones
# 24: so many may have a picture of up to 18 million pixels, and 12 any.
_MOST_SCANS, _LEAST_SCANS = 28, 12
_MOST_SCANNED_PIXELS = 500_000_000

# A block of 8 x 8 pixels takes a bit at least, and another one where it is not progressive.
_MOST_PIXELS_PER_BYTE = 512

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_END = bytes([0xFF, _EOI])
_ALL_COEFFICIENTS = 2**64 - 1
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_TABLES = (0xC4, 0xDB, 0xDD)
# Those that have no length, and say nothing outside the pixels: TEM, RST0 to RST7.
_BARE = (0x01, *range(0xD0, 0xD8))
_UNREADABLE_FRAMES = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "a lossless JPEG"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE, 0xDE), "a hierarchical JPEG"),
    # Browsers do not show it either, and its pixels can cost far more time than their bytes.
    **dict.fromkeys((0xC9, 0xCA), "a JPEG with arithmetic coding"),
    0xF7: "a JPEG-LS",
}
_FRAMES = (_BASELINE, _EXTENDED, _PROGRESSIVE, *_UNREADABLE_FRAMES)
# Reserved by the standard: whoever meets one of them has lost the way.
_RESERVED = (*range(0x02, 0xC0), 0xC8, *range(0xF0, 0xFE))
_SPACES = {1: "GRAY", 3: "RGB", 4: "CMYK"}
_SAVE_AGAIN = "save it as an ordinary JPEG or as PNG"

_FILL = re.compile(rb"\xff+")
# Within pixels 0xFF is followed by 0, by the number of a restart, or by more of itself.
_AFTER_PIXELS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# A search of this many bytes takes some milliseconds at the most; between two, other threads get their turn.
_SEARCH_BYTES = 1 << 18


def walk_jpeg(data: bytes) -> PictureHeader:
    """What the file is, up to its first EOI: a second picture behind it does not matter.

    As in browsers, EOI may be missing where all scans have begun that a picture needs: some cameras do not write it.

    Raises:
        NotAPicture: damaged or cut off.
        UnsupportedPicture: of a kind that neither browsers nor we read, or of more parts than a picture has.
    """
    walk = _Walk(data)
    place = 2
    for _ in range(_MOST_SEGMENTS):
        place = data.find(b"\xff", place)
        fill = _FILL.match(data, max(place, 0))
        if place < 0 or fill is None or fill.end() == len(data):
            return walk.header(None)
        marker, start, place = data[fill.end()], fill.end() - 1, fill.end() + 1
        if marker == _EOI:
            return walk.header(start)
        if marker == _SOI or marker in _RESERVED:
            raise _named(marker) or damaged()
        if marker != 0 and marker not in _BARE:
            place = walk.segment(marker, start)
    raise UnsupportedPicture(f"the JPEG has more than {_MOST_SEGMENTS:,} parts beside its pixels; {_SAVE_AGAIN}")


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._spans = Spans()
        self._spans.add(0, 2)
        self._frame: int | None = None
        self._size = (0, 0)
        self._components = 0
        self._table_bytes = 0
        self._scans = 0
        # Of each component: a bit for each of its 64 coefficients that some scan has in full.
        self._complete: dict[int, int] = {}
        self._pixel_bytes = 0
        self._is_whole_in_one_scan = False
        self._has_jfif = False
        self._orientation: int | None = None
        self._icc: dict[int, Span] = {}
        self._icc_parts = 0

    def segment(self, marker: int, start: int) -> int:
        """Takes in the segment whose marker begins at `start`, with the pixels behind it; returns where they end."""
        data, content = self._data, start + 4
        end = start + 2 + int.from_bytes(data[start + 2 : content], "big")
        if end > len(data) or content > len(data):
            raise cut_off()
        if end < content:
            raise damaged()
        if marker in _FRAMES:
            self._begin_frame(marker, content, end)
        elif marker == _SOS:
            return self._scan(start, content, end)
        elif marker in _TABLES:
            self._table_bytes += end - start
            if self._table_bytes > _MOST_TABLE_BYTES:
                raise UnsupportedPicture(f"the JPEG has more tables than any picture needs; {_SAVE_AGAIN}")
        elif marker == _APP0 and not self._has_jfif and data.startswith(b"JFIF\0", content):
            # It and Adobe's segment say which colours the samples are.
            self._has_jfif = True
        elif marker != _APP14 or not data.startswith(b"Adobe", content) or self._scans:
            self._metadata(marker, content, end)
            return end
        self._spans.add(start, end)
        return end

    def header(self, eoi: int | None) -> PictureHeader:
        """What was found up to EOI; up to the end of the file where there is none."""
        if eoi is None and [*self._complete.values()] != [_ALL_COEFFICIENTS] * (self._components or 1):
            raise cut_off()
        if self._frame is None or not self._scans:
            raise damaged()
        width, height = self._size
        if self._pixel_bytes < width * height // _MOST_PIXELS_PER_BYTE:
            raise cut_off()
        if eoi is not None:
            self._spans.add(eoi, eoi + 2)
        parts = [self._icc.get(number) for number in range(1, self._icc_parts + 1)]
        icc = tuple(part for part in parts if part is not None)
        if len(self._spans.all()) > _MOST_PLACES:
            raise UnsupportedPicture(
                f"the JPEG has its pixels and tables in more than {_MOST_PLACES} places; {_SAVE_AGAIN}"
            )
        return PictureHeader(
            format="JPEG",
            width=width,
            height=height,
            spans=self._spans.all(),
            suffix=_END if eoi is None else b"",
            orientation=self._orientation or 1,
            scans=self._scans,
            space=_SPACES[self._components],
            is_sequential=self._frame != _PROGRESSIVE and self._is_whole_in_one_scan and self._scans == 1,
            # Of a profile that lacks a part nothing is known.
            colour=DeclaredColour(icc=icc if len(icc) == len(parts) <= _MOST_PLACES else ()),
        )

    def _begin_frame(self, marker: int, content: int, end: int) -> None:
        unreadable = _named(marker)
        if unreadable is not None:
            raise unreadable
        if self._frame is not None or end - content < 6:
            raise damaged()
        bits, components = self._data[content], self._data[content + 5]
        height, width = (int.from_bytes(self._data[at : at + 2], "big") for at in (content + 1, content + 3))
        if bits == 12 and marker != _BASELINE:
            raise UnsupportedPicture(f"the picture is a JPEG of 12 bits per sample; {_SAVE_AGAIN}")
        if bits != 8 or width == 0 or end - content != 6 + 3 * components:
            raise damaged()
        if height == 0:
            raise UnsupportedPicture(f"the JPEG does not say its height before its pixels; {_SAVE_AGAIN}")
        if components not in _SPACES:
            raise UnsupportedPicture(f"the JPEG is neither grey nor RGB nor CMYK; {_SAVE_AGAIN}")
        self._frame, self._size, self._components = marker, (width, height), components

    def _scan(self, start: int, content: int, end: int) -> int:
        if self._frame is None or end == content:
            raise damaged()
        self._scans += 1
        width, height = self._size
        most = min(max(_MOST_SCANNED_PIXELS // (width * height), _LEAST_SCANS), _MOST_SCANS)
        if self._scans > most:
            raise UnsupportedPicture(f"the JPEG of {width}x{height} pixels has more than {most} scans; {_SAVE_AGAIN}")
        self._is_whole_in_one_scan = self._data[content] == self._components
        # First and last coefficient, and how many of their bits are still to come.
        first, last, missing = self._data[end - 3], self._data[end - 2], self._data[end - 1] & 0xF
        if first <= last < 64 and not missing:
            for component in self._data[content + 1 : end - 3 : 2]:
                self._complete[component] = self._complete.get(component, 0) | (2 << last) - (1 << first)
        place, found = end, None
        while found is None and place < len(self._data):
            found = _AFTER_PIXELS.search(self._data, place, place + _SEARCH_BYTES)
            # The last byte again: it may be the first of two.
            place += _SEARCH_BYTES - 1
        behind = len(self._data) if found is None else found.start()
        self._pixel_bytes += behind - end
        self._spans.add(start, behind)
        return behind

    def _metadata(self, marker: int, content: int, end: int) -> None:
        data = self._data
        if marker == _APP1 and self._orientation is None and data.startswith(b"Exif\0", content):
            # Behind Exif and its zero stands a byte that nobody looks at.
            self._orientation = orientation_of(memoryview(data)[content + 6 : end])
        elif marker == _APP2 and data.startswith(b"ICC_PROFILE\0", content) and end - content > 14:
            # Its number, and how many there are (ICC.1:2022, annex B.4).
            number, self._icc_parts = data[content + 12], data[content + 13]
            self._icc.setdefault(number, (content + 14, end))


def _named(marker: int) -> NotAPicture | UnsupportedPicture | None:
    name = _UNREADABLE_FRAMES.get(marker)
    return None if name is None else UnsupportedPicture(f"the picture is {name}; {_SAVE_AGAIN}")
