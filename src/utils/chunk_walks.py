"""Walks over the chunks of PNG (ISO/IEC 15948) and WebP (RFC 9649) and the header of BMP without decoding anything."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from src.core.errors import UnsupportedPicture
from src.utils.picture_parts import DeclaredColour, PictureHeader, Span, Spans, cut_off, damaged, orientation_of

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The largest files would need fewer even with 800 bytes of pixels in each; libpng puts 8 kB into one.
_MOST_PNG_CHUNKS = 60_000
# Six are in use beside the frames of animations.
_MOST_WEBP_CHUNKS = 1_000
_VP8L_SIGNATURE = 0x2F
_ALPHA_FLAG = 0x10
_SAVE_AGAIN = "save it again with another program"
_ANIMATED = "the picture is animated; send a still picture"

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_PNG_BITS = {_GREY: (1, 2, 4, 8, 16), _RGB: (8, 16), _PALETTE: (1, 2, 4, 8), _GREY_ALPHA: (8, 16), _RGBA: (8, 16)}
_PNG_HEADER_END = 33
_ONE_FRAME = b"\0\0\0\1"
# What decoders get beside IHDR and IDAT, by the type of colour, if it has one of these lengths.
_PNG_NEEDED: dict[int, dict[bytes, range]] = {
    _GREY: {b"tRNS": range(2, 3)},
    _RGB: {b"tRNS": range(6, 7)},
    _PALETTE: {b"PLTE": range(3, 769, 3), b"tRNS": range(1, 257)},
    _GREY_ALPHA: {},
    _RGBA: {},
}
# What is read besides. All others are passed over.
_PNG_TOLD = (b"PLTE", b"tRNS", b"eXIf", b"acTL", b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM")


def walk_png(data: bytes) -> PictureHeader:
    """Of the chunks IHDR, PLTE, tRNS, IDAT and IEND. Checksums of IDAT are left to whoever reads the pixels.

    Chunks that pixels do not need may be damaged: as in browsers, they are as if they were not there.

    Raises:
        NotAPicture: damaged or cut off.
        UnsupportedPicture: animated, or of more chunks than a picture has.
    """
    if data.startswith(b"\0\0\0\4CgBI", 8):
        raise UnsupportedPicture("the picture is a PNG in the form of iOS apps, which only they read; save it as PNG")
    if len(data) < _PNG_HEADER_END:
        raise cut_off()
    width, height, bits, colour_type, compression, filters, interlace = struct.unpack_from(">IIBBBBB", data, 16)
    is_known = bits in _PNG_BITS.get(colour_type, ()) and not compression and not filters and interlace <= 1
    if (
        not data.startswith(b"\0\0\0\rIHDR", 8)
        or not width
        or not height
        or not is_known
        or not _is_sound(data, 16, 29)
    ):
        raise damaged()
    found = _png_parts(data)
    if b"acTL" in found and data[found[b"acTL"][0] :][:4] > _ONE_FRAME:
        raise UnsupportedPicture(_ANIMATED)
    spans = Spans()
    spans.add(0, _PNG_HEADER_END)
    for kind, lengths in _PNG_NEEDED[colour_type].items():
        start, end = found.get(kind, (0, 0))
        if end - start in lengths:
            spans.add(start - 8, end + 4)
        elif kind == b"PLTE":
            raise damaged()
    spans.add(found[b"IDAT"][0] - 8, found[b"IDAT"][1] + 4)
    start, end = found.get(b"eXIf", (0, 0))
    return PictureHeader(
        "PNG",
        width,
        height,
        spans.all(),
        orientation=orientation_of(memoryview(data)[start:end]) or 1,
        space="GRAY" if colour_type in (_GREY, _GREY_ALPHA) else "RGB",
        colour=_png_colour(data, found),
    )


def _png_parts(data: bytes) -> dict[bytes, Span]:
    """Where the content of each chunk that says something is: of the first sound one of its kind, of IDAT of all."""
    found: dict[bytes, Span] = {}
    for kind, start, end in _png_chunks(data):
        if kind == b"IDAT":
            # They stand in one row; one that stands apart belongs to nothing.
            begin, last = found.get(kind, (start, start - 12))
            if last == start - 12:
                found[kind] = begin, end
        elif kind in _PNG_TOLD and kind not in found and (b"IDAT" not in found or kind == b"eXIf"):
            if _is_sound(data, start, end):
                found[kind] = start, end
    if b"IDAT" not in found:
        raise cut_off()
    return found


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk behind IHDR, up to IEND or where the file makes no sense."""
    place, has_pixels = 33, False
    for _ in range(_MOST_PNG_CHUNKS):
        kind = data[place + 4 : place + 8]
        if kind == b"IEND":
            return
        start = place + 8
        end = start + int.from_bytes(data[place : place + 4], "big")
        is_pixels = kind == b"IDAT"
        if end + 4 > len(data) or not kind.isalpha():
            # Behind the pixels nothing is missed.
            if has_pixels and not is_pixels:
                return
            raise damaged() if len(kind) == 4 and not kind.isalpha() else cut_off()
        yield kind, start, end
        has_pixels = has_pixels or is_pixels
        place = end + 4
    raise UnsupportedPicture(f"the PNG has more than {_MOST_PNG_CHUNKS:,} chunks; {_SAVE_AGAIN}")


def _is_sound(data: bytes, start: int, end: int) -> bool:
    """Whether the checksum of the chunk with this content is right."""
    return zlib.crc32(memoryview(data)[start - 4 : end]) == int.from_bytes(data[end : end + 4], "big")


def _png_colour(data: bytes, found: dict[bytes, Span]) -> DeclaredColour:
    """cICP, iCCP, and gAMA with cHRM, unless sRGB says more than these (PNG third edition, section 11.3.2)."""
    place, end = found.get(b"cICP", (0, 0))
    # Samples of RGB in their full range; others are of video.
    cicp = (data[place], data[place + 1]) if end - place == 4 and data[place + 2 : end] == b"\0\1" else None
    place, end = found.get(b"iCCP", (0, 0))
    # A name of up to 79 characters, a zero, and the method 0, which is deflate.
    content = data.find(b"\0\0", place, min(place + 81, end)) + 2
    icc = ((content, end),) if content >= 2 else ()
    place, end = found.get(b"gAMA", (0, 0))
    gamma = int.from_bytes(data[place:end], "big") if end - place == 4 and b"sRGB" not in found else None
    place, end = found.get(b"cHRM", (0, 0))
    chromaticities = struct.unpack_from(">8I", data, place) if end - place == 32 else None
    return DeclaredColour(icc, bool(icc), cicp, gamma, chromaticities)


def walk_webp(data: bytes) -> PictureHeader:
    """Of the chunks VP8, VP8L and ALPH, which are put into a new file if anything else stands beside them.

    Raises:
        NotAPicture: damaged or cut off.
        UnsupportedPicture: animated, or of more chunks than a picture has.
    """
    found: dict[bytes, Span] = {}
    for kind, start, end in _webp_chunks(data):
        found.setdefault(kind, (start, end))
    kind = b"VP8L" if b"VP8L" in found else b"VP8 "
    start, end = found.get(kind, (0, 0))
    if end - start < 10:
        raise cut_off()
    if kind == b"VP8 ":
        # RFC 6386, section 9.1: a key frame, the start code, and 14 bits for each side, above them its scaling.
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, start + 6))
        is_sane = not data[start] & 1 and data[start + 3 : start + 6] == b"\x9d\x01\x2a"
    else:
        # RFC 9649, section 3.4: a signature, and 14 bits for each side less one.
        sides = int.from_bytes(data[start + 1 : start + 5], "little")
        width, height = (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
        is_sane = data[start] == _VP8L_SIGNATURE
    canvas = struct.pack("<IHBHB", _ALPHA_FLAG, width - 1 & 0xFFFF, 0, height - 1 & 0xFFFF, 0)
    place, end_of_canvas = found.get(b"VP8X", (0, 0))
    if not is_sane or not width or not height or (place and data[place + 4 : end_of_canvas][:6] != canvas[4:]):
        raise damaged()
    spans, prefix = Spans(), b""
    # Decoders look for transparency where the file says that it has some, and nowhere else.
    if b"ALPH" in found and kind == b"VP8 " and place and data[place] & _ALPHA_FLAG:
        prefix = b"VP8X\x0a\0\0\0" + canvas
        spans.add(found[b"ALPH"][0] - 8, _even(found[b"ALPH"][1]))
    spans.add(start - 8, min(_even(end), len(data)))
    size = 4 + len(prefix) + sum(last - first for first, last in spans.all())
    first, last = found.get(b"EXIF", (0, 0))
    return PictureHeader(
        "WEBP",
        width,
        height,
        spans.all(),
        prefix=struct.pack("<4sI4s", b"RIFF", size, b"WEBP") + prefix,
        orientation=orientation_of(memoryview(data)[first:last]) or 1,
        colour=DeclaredColour(icc=(found[b"ICCP"],) if b"ICCP" in found else ()),
    )


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the content of each chunk; of an animation of one picture, those inside it."""
    place, frames, has_pixels = 12, 0, False
    end_of_all = min(8 + int.from_bytes(data[4:8], "little"), len(data))
    for _ in range(_MOST_WEBP_CHUNKS):
        if place + 8 > end_of_all:
            return
        kind, start = data[place : place + 4], place + 8
        end = start + int.from_bytes(data[place + 4 : start], "little")
        place = _even(end)
        if end > len(data):
            # Behind the pixels nothing is missed.
            if has_pixels:
                return
            raise cut_off()
        if kind == b"ANMF":
            frames += 1
            if frames > 1:
                raise UnsupportedPicture(_ANIMATED)
            # In front of its chunks stand 16 bytes on its place and time.
            place = start + 16
        else:
            yield kind, start, end
            has_pixels = has_pixels or kind in (b"VP8 ", b"VP8L")
    raise UnsupportedPicture(f"the WebP has more than {_MOST_WEBP_CHUNKS:,} chunks; {_SAVE_AGAIN}")


def _even(place: int) -> int:
    return place + place % 2


# Sizes of the headers: of OS/2, and of versions 3 to 5 with what some programs write between.
_BMP_CORE, _BMP_HEADERS = 12, (40, 52, 56, 64, 108, 124)
_BMP_PLAIN, _BMP_BITFIELDS = 0, 3
_BMP_UNREADABLE = {
    1: "a compressed BMP",
    2: "a compressed BMP",
    4: "a BMP with a JPEG in it",
    5: "a BMP with a PNG in it",
}


def walk_bmp(data: bytes) -> PictureHeader:
    """What the header says; how long the file would have to be for its pixels is the end of its span.

    Raises:
        NotAPicture: damaged or cut off.
        UnsupportedPicture: compressed (a run of a byte can stand for any number of pixels), or of another kind.
    """
    if len(data) < 26:
        raise cut_off()
    offset, header = struct.unpack_from("<II", data, 10)
    compression = _BMP_PLAIN
    if header == _BMP_CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
    elif header in _BMP_HEADERS:
        if len(data) < 14 + header:
            raise cut_off()
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    else:
        raise damaged()
    if compression in _BMP_UNREADABLE:
        raise UnsupportedPicture(f"the picture is {_BMP_UNREADABLE[compression]}; save it as PNG")
    if compression not in (_BMP_PLAIN, _BMP_BITFIELDS) or bits not in (1, 4, 8, 16, 24, 32):
        raise UnsupportedPicture("the picture is a rare kind of BMP; save it as PNG")
    if width <= 0 or height == 0 or offset < 14 + header:
        raise damaged()
    if bits <= 8 and offset == 14 + header:
        # Some writers forget the palette when they say where the pixels begin; Pillow knows them.
        colours = struct.unpack_from("<I", data, 46)[0] if header != _BMP_CORE else 0
        offset += (3 if header == _BMP_CORE else 4) * (colours or 1 << bits)
    rows = (width * bits + 31) // 32 * 4 * abs(height)
    return PictureHeader("BMP", width, abs(height), ((0, offset + rows),), colour=_bmp_colour(data, header))


def _bmp_colour(data: bytes, header: int) -> DeclaredColour:
    """The profile inside a file of version 5, which stands so many bytes behind the beginning of its header."""
    if header < 124 or data[70:74] != b"DEBM":
        return DeclaredColour()
    offset, size = struct.unpack_from("<II", data, 126)
    start = 14 + offset
    return DeclaredColour(icc=((start, start + size),) if start + size <= len(data) else ())
