"""Sound picture files of every kind that the service reads, small and drawn here: what mutations start from."""

from __future__ import annotations

import functools
import io
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from PIL import Image, ImageCms

_WIDTH, _HEIGHT = 56, 40
_ORIENTATION_TAG = 0x0112
_LYING = 6


@functools.cache
def seed_pictures() -> Mapping[str, bytes]:
    """Files by what they are; the same on every machine with the same Pillow."""
    colour = _drawing()
    grey = colour.convert("L")
    palette = colour.quantize(64)
    clear = colour.copy()
    clear.putalpha(grey)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[_ORIENTATION_TAG] = _LYING
    other = Image.eval(colour, lambda level: 255 - level)
    profile = _profile()
    return {
        "PNG in colour": _file_of(colour, "PNG"),
        "PNG with alpha": _file_of(clear, "PNG"),
        "PNG in grey": _file_of(grey, "PNG"),
        "PNG in grey with alpha": _file_of(clear.convert("LA"), "PNG"),
        "PNG of 16 bits": _file_of(deep, "PNG"),
        "PNG of 1 bit": _file_of(grey.convert("1"), "PNG"),
        "PNG with a palette": _file_of(palette, "PNG"),
        "PNG with a palette that can be seen through": _file_of(palette, "PNG", transparency=3),
        "PNG lying on its side": _file_of(colour, "PNG", exif=exif),
        "PNG that is animated": _file_of(colour, "PNG", save_all=True, append_images=[other], duration=40),
        "PNG with a profile": _file_of(colour, "PNG", icc_profile=profile),
        "JPEG with a profile": _file_of(colour, "JPEG", icc_profile=profile, exif=exif, xmp=b"<x:xmpmeta/>"),
        "WebP with a profile": _file_of(colour, "WEBP", icc_profile=profile, exif=exif, xmp=b"<x:xmpmeta/>"),
        "JPEG in colour": _file_of(colour, "JPEG", quality=90),
        "JPEG in grey": _file_of(grey, "JPEG"),
        "JPEG in CMYK": _file_of(colour.convert("CMYK"), "JPEG"),
        "JPEG that is progressive": _file_of(colour, "JPEG", progressive=True),
        "JPEG lying on its side": _file_of(colour, "JPEG", exif=exif),
        "JPEG with a second picture": _file_of(colour, "MPO", save_all=True, append_images=[other]),
        "WebP": _file_of(colour, "WEBP"),
        "WebP without loss": _file_of(clear, "WEBP", lossless=True),
        "WebP lying on its side": _file_of(colour, "WEBP", exif=exif),
        "WebP that is animated": _file_of(colour, "WEBP", save_all=True, append_images=[other], duration=40),
        "BMP in colour": _file_of(colour, "BMP"),
        "BMP with a palette": _file_of(palette, "BMP"),
        "BMP with alpha": _file_of(clear, "BMP"),
    }


def _drawing() -> Image.Image:
    """A dark disc on slopes of colour, with grain: something in every frequency, and of no person."""
    down, right = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    slopes = np.stack([right * 255 / _WIDTH, down * 255 / _HEIGHT, 255 - right * 255 / _WIDTH], axis=-1)
    disc = (down - _HEIGHT / 2) ** 2 + (right - _WIDTH / 2) ** 2 < (_HEIGHT / 3) ** 2
    slopes[disc] *= 0.3
    grain = np.random.default_rng(5).normal(0, 8, slopes.shape)
    return Image.fromarray((slopes + grain).clip(0, 255).astype(np.uint8))


def _profile() -> bytes:
    """An ICC profile of a screen that takes red for green, so that no picture stays as it is."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return srgb.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")


def _file_of(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER_END = 33
_PNG_CHUNKS = (
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"iCCP", b"sRGB", b"zTXt", b"iTXt", b"tEXt",
    b"eXIf", b"acTL", b"fcTL", b"fdAT", b"pHYs", b"sBIT", b"cICP",
)  # fmt: skip
_JPEG_MARKERS = (0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE)
_EXIF = b"Exif\0\0"
# Where counters, signs and sizes break.
_TELLING_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_TELLING_SIZES = (
    0, 1, 31, 32, 33, 255, 256, 6000, 16_383, 16_384, 65_500, 65_535, 100_000, 2**31 - 1, 2**31, 2**32 - 1,
)  # fmt: skip
_BOMB_MEGABYTES = 20
# As many parts, one behind the other, as make a reader slow that is only careless.
_CROWDS = (3, 100, 11_000)

_place = st.integers(0, 2**20)


def picture_files() -> st.SearchStrategy[bytes]:
    """A sound file, most often with up to five mutations one after the other, some with their checksums put right."""
    sound = st.sampled_from(list(seed_pictures().values()))
    return st.builds(_mutated, sound, st.lists(_mutations(sound), max_size=5), st.booleans())


def _mutated(file: bytes, mutations: list[Callable[[bytes], bytes]], is_repaired: bool) -> bytes:
    for mutate in mutations:
        file = mutate(file)
    return with_right_checksums(file) if is_repaired else file


def _mutations(sound: st.SearchStrategy[bytes]) -> st.SearchStrategy[Callable[[bytes], bytes]]:
    return st.one_of(
        st.builds(replace_at, _place, st.just(sys.maxsize), st.just(b"")),
        st.builds(_flip, _place, st.integers(0, 7)),
        st.builds(_flip, st.integers(0, 64), st.integers(0, 7)),
        st.builds(_overwrite, _place, st.sampled_from(_TELLING_NUMBERS), st.sampled_from("BHI"), st.booleans()),
        st.builds(replace_at, _place, st.integers(1, 300), st.just(b"")),
        st.builds(replace_at, _place, st.just(0), st.binary(min_size=1, max_size=40)),
        st.builds(_repeat, _place, st.integers(1, 200), st.integers(2, 40)),
        st.builds(_splice, _place, sound, _place),
        st.builds(_claim_size, st.sampled_from(_TELLING_SIZES), st.sampled_from(_TELLING_SIZES)),
        st.builds(_insert_png_chunk, st.sampled_from(_PNG_CHUNKS), st.binary(max_size=60), st.booleans()),
        st.builds(_insert_jpeg_segment, st.sampled_from(_JPEG_MARKERS), st.binary(max_size=60)),
        st.builds(_insert_exif, _exif_blocks()),
        st.just(_hide_bomb),
        st.builds(_insert_profile, _place, st.binary(max_size=30), st.sampled_from(_TELLING_NUMBERS)),
        st.builds(_crowd, st.sampled_from(_CROWDS)),
        st.builds(_repeat_scan, st.sampled_from((1, 5, 40, 2000))),
    )


def _exif_blocks() -> st.SearchStrategy[bytes]:
    """TIFF directories with any number of entries, each of any tag, type, count and value, in either byte order."""
    entry = st.tuples(
        st.sampled_from((0x0112, 0x8769, 0x8825, 0x011A, 0xA005, 0x927C, 0x0000, 0xFFFF)),
        st.integers(0, 14),
        st.sampled_from(_TELLING_NUMBERS),
        st.sampled_from((*_TELLING_NUMBERS, 3, 6, 8, 9)),
    )
    return st.builds(_exif_block, st.lists(entry, max_size=6), st.sampled_from("<>"), st.sampled_from((0, 4, 8, 2**31)))


def _exif_block(entries: list[tuple[int, int, int, int]], order: str, directory_at: int) -> bytes:
    opening = b"II*\0" if order == "<" else b"MM\0*"
    packed = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    # The directory that follows is this one again: a reader that follows blindly never ends.
    following = struct.pack(f"{order}I", directory_at)
    return opening + struct.pack(f"{order}IH", directory_at, len(entries)) + packed + following


def _edit_at(place: int, edit: Callable[[bytes, int], bytes]) -> Callable[[bytes], bytes]:
    """An edit at a place of the file, or at its end, however long it is."""
    return lambda file: edit(file, place % (len(file) + 1))


def replace_at(place: int, removed: int, content: bytes) -> Callable[[bytes], bytes]:
    return _edit_at(place, lambda file, at: file[:at] + content + file[at + removed :])


def _flip(place: int, bit: int) -> Callable[[bytes], bytes]:
    def flip(file: bytes, at: int) -> bytes:
        return file[:at] + bytes(byte ^ (1 << bit) for byte in file[at : at + 1]) + file[at + 1 :]

    return _edit_at(place, flip)


def _overwrite(place: int, number: int, width: str, is_little: bool) -> Callable[[bytes], bytes]:
    size = struct.calcsize(width)
    return replace_at(place, size, struct.pack(("<" if is_little else ">") + width, number % 256**size))


def _repeat(place: int, count: int, times: int) -> Callable[[bytes], bytes]:
    return _edit_at(place, lambda file, at: file[:at] + file[at : at + count] * times + file[at + count :])


def _splice(place: int, other: bytes, other_place: int) -> Callable[[bytes], bytes]:
    return replace_at(place, sys.maxsize, other[other_place % len(other) :])


def _claim_size(width: int, height: int) -> Callable[[bytes], bytes]:
    """Another size in the header, whatever the format; the pixels stay."""

    def mutate(file: bytes) -> bytes:
        if file.startswith(_PNG_SIGNATURE) and len(file) >= _PNG_HEADER_END:
            return with_right_checksums(file[:16] + struct.pack(">II", width, height) + file[24:])
        if file.startswith(b"BM") and len(file) > 26:
            return file[:18] + struct.pack("<II", width, height) + file[26:]
        if file[8:12] == b"WEBP" and file[12:16] == b"VP8X":
            canvas = (width % 2**24).to_bytes(3, "little") + (height % 2**24).to_bytes(3, "little")
            return file[:24] + canvas + file[30:]
        at = max(file.find(b"\xff\xc0"), file.find(b"\xff\xc2"))
        if at >= 0:
            return file[: at + 5] + struct.pack(">HH", height % 2**16, width % 2**16) + file[at + 9 :]
        return file

    return mutate


def _insert_png_chunk(kind: bytes, content: bytes, is_last: bool) -> Callable[[bytes], bytes]:
    def mutate(file: bytes) -> bytes:
        if not file.startswith(_PNG_SIGNATURE):
            return file
        at = max(len(file) - 12, 0) if is_last else _PNG_HEADER_END
        return file[:at] + png_chunk(kind, content) + file[at:]

    return mutate


def _insert_jpeg_segment(marker: int, content: bytes) -> Callable[[bytes], bytes]:
    segment = bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content
    return lambda file: file[:2] + segment + file[2:] if file.startswith(b"\xff\xd8") else file


def _insert_exif(block: bytes) -> Callable[[bytes], bytes]:
    def mutate(file: bytes) -> bytes:
        if file.startswith(_PNG_SIGNATURE):
            return _insert_png_chunk(b"eXIf", block, False)(file)
        if file[8:12] == b"WEBP":
            return file + b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
        return _insert_jpeg_segment(0xE1, _EXIF + block)(file)

    return mutate


def _insert_profile(place: int, content: bytes, number: int) -> Callable[[bytes], bytes]:
    """A colour profile that is damaged at some place, and says another number somewhere in its table."""
    profile = replace_at(place, len(content), content)(_profile())
    profile = profile[:128] + struct.pack(">I", number % 64) + profile[132:] if number % 3 == 0 else profile
    profile = profile[:140] + struct.pack(">I", number) + profile[144:] if number % 3 == 1 else profile

    def mutate(file: bytes) -> bytes:
        if file.startswith(_PNG_SIGNATURE):
            return _insert_png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile), False)(file)
        if file[8:12] == b"WEBP":
            return file + b"ICCP" + struct.pack("<I", len(profile)) + profile + b"\0" * (len(profile) % 2)
        return _insert_jpeg_segment(0xE2, b"ICC_PROFILE\0\1\1" + profile)(file)

    return mutate


def _crowd(times: int) -> Callable[[bytes], bytes]:
    """Very many parts that say nothing."""

    def mutate(file: bytes) -> bytes:
        if file.startswith(_PNG_SIGNATURE):
            return file[:_PNG_HEADER_END] + png_chunk(b"gAMA", b"\0\0\0\1") * times + file[_PNG_HEADER_END:]
        if file[8:12] == b"WEBP":
            return file[:12] + b"XMP \0\0\0\0" * times + file[12:]
        return file[:2] + b"\xff\xe5\0\2" * times + file[2:] if file.startswith(b"\xff\xd8") else file

    return mutate


def _repeat_scan(times: int) -> Callable[[bytes], bytes]:
    """A JPEG's last scan again and again."""

    def mutate(file: bytes) -> bytes:
        at = file.rfind(b"\xff\xda")
        return file[:-2] + file[at:-2] * times + file[-2:] if at > 0 else file

    return mutate


def _hide_bomb(file: bytes) -> bytes:
    """A text or a colour profile that is small in the file and megabytes when unpacked."""
    if not file.startswith(_PNG_SIGNATURE):
        return file
    packed = zlib.compress(b"\0" * (_BOMB_MEGABYTES * 1024 * 1024), 9)
    text = png_chunk(b"zTXt", b"Comment\0\0" + packed)
    profile = png_chunk(b"iCCP", b"profile\0\0" + packed)
    return file[:_PNG_HEADER_END] + text + profile + file[_PNG_HEADER_END:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk with its length and checksum (PNG specification, section 5.3)."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_right_checksums(file: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold now; any other file as it is."""
    if not file.startswith(_PNG_SIGNATURE):
        return file
    parts, at = [_PNG_SIGNATURE], len(_PNG_SIGNATURE)
    while at + 12 <= len(file):
        length = int.from_bytes(file[at : at + 4], "big")
        end = at + 12 + length
        if end > len(file):
            break
        parts.append(png_chunk(file[at + 4 : at + 8], file[at + 8 : end - 4]))
        at = end
    return b"".join([*parts, file[at:]])
