"""Small files that would take much memory or time, and what the codec spends on one of them.

`python -m lab.chaos.bombs FILE` decodes one file in a process of its own, and prints the figures as JSON.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageCms

from src.config.settings import PROJECT_ROOT, load_settings
from src.core.errors import EyeNetError
from src.utils.image_codec import decode_picture

_MEGABYTE = 1024 * 1024
_LONGEST_DECODE_S = 120
_SIDE = 6300


class Bomb(NamedTuple):
    """A file, and a plain one of the same format and size in pixels."""

    name: str
    file: bytes
    plain: bytes


def bombs() -> Iterator[Bomb]:
    """One of every kind that is known, each small enough for a body of MAX_BODY_MB; made one after the other."""
    jpeg, png, webp = (file_of(small_picture(), kind) for kind in ("JPEG", "PNG", "WEBP"))
    exif = _overlapping_exif(5000)
    deflated = zlib.compress(bytes(200 * _MEGABYTE), 9)
    yield Bomb("JPEG with EXIF of 5,000 tags that each claim all of it", _with_segments(jpeg, 0xE1, exif), jpeg)
    yield Bomb("PNG with that EXIF", _with_chunks(png, b"eXIf", exif), png)
    yield Bomb("WebP with that EXIF", _webp_with(webp, b"EXIF", exif), webp)
    yield Bomb("JPEG of 8 million segments", jpeg[:2] + b"\xff\xe0\0\2" * 8_000_000 + jpeg[2:], jpeg)
    yield Bomb("JPEG with 30 MB of fill bytes", jpeg[:2] + b"\xff" * 30_000_000 + jpeg[2:], jpeg)
    yield Bomb("JPEG with 30 MB of nothing between segments", jpeg[:2] + bytes(30_000_000) + jpeg[2:], jpeg)
    tables = jpeg[jpeg.index(b"\xff\xc4") :][:33]
    yield Bomb("JPEG with one table a million times", jpeg[:2] + tables * 1_000_000 + jpeg[2:], jpeg)
    yield Bomb(
        "JPEG with a comment before each of 400 tables", jpeg[:2] + (b"\xff\xfe\0\2" + tables) * 400 + jpeg[2:], jpeg
    )
    large = Image.new("L", (_SIDE, _SIDE), 128)
    progressive = file_of(large, "JPEG", progressive=True)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    yield Bomb("JPEG of 2,500 scans", progressive[:-2] + last_scan * 2500 + b"\xff\xd9", progressive)
    yield Bomb("JPEG of 6 more scans than it needs", progressive[:-2] + last_scan * 6 + b"\xff\xd9", progressive)
    yield Bomb("JPEG of 65,500 x 65,500 in its header", _with_jpeg_size(jpeg, 65_500, 65_500), jpeg)
    yield Bomb("JPEG with a profile in 255 parts of 64 kB", _with_profile_parts(jpeg), jpeg)
    yield Bomb("PNG of 2 million chunks", _with_chunks(png, b"abCd", b"", 2_500_000), png)
    yield Bomb(
        "PNG with its pixels in a million chunks", _with_chunks(png, b"IDAT", b"", 1_000_000, before=b"IDAT"), png
    )
    yield Bomb("PNG that would be warned of 50,000 times", _with_chunks(png, b"gAMA", b"\0\0\0\1", 50_000), png)
    yield Bomb("PNG with 200 MB of text", _with_chunks(png, b"zTXt", b"x\0\0" + deflated), png)
    yield Bomb("PNG with a profile of 200 MB", _with_chunks(png, b"iCCP", b"x\0\0" + deflated), png)
    yield Bomb("PNG with 200 MB behind its pixels", _with_more_pixels(png), png)
    yield Bomb("PNG of 2 billion x 1 pixels in its header", _with_png_size(png, 0x7FFFFFFF, 1), png)
    profile = _hostile_profile()
    yield Bomb("PNG with a profile whose table claims 255 steps", _with_chunks(png, b"iCCP", profile), png)
    yield Bomb("WebP of a million chunks", _webp_with(webp, b"abcd", b"", 1_000_000), webp)
    bmp = file_of(Image.new("L", (_SIDE, _SIDE), 128), "BMP")
    yield Bomb("BMP of rows that end at once", _compressed_bmp(1_250_000, 32), bmp)
    yield Bomb("BMP of 2 billion rows in its header", bmp[:22] + struct.pack("<i", -(2**31)) + bmp[26:100], bmp)


def small_picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))


def file_of(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _overlapping_exif(tags: int) -> bytes:
    size = 8 + 2 + 12 * tags + 4
    entries = b"".join(struct.pack("<HHII", tag, 7, size - 1, 1) for tag in range(tags))
    return b"II*\0" + struct.pack("<IH", 8, tags) + entries + bytes(4)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _with_segments(jpeg: bytes, marker: int, content: bytes) -> bytes:
    pieces = (content[at : at + 65_000] for at in range(0, len(content), 65_000))
    return jpeg[:2] + b"".join(_segment(marker, b"Exif\0\0" + piece) for piece in pieces) + jpeg[2:]


def _with_profile_parts(jpeg: bytes) -> bytes:
    parts = (_segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 255]) + bytes(65_000)) for number in range(1, 256))
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


def _with_jpeg_size(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _with_chunks(png: bytes, kind: bytes, content: bytes, count: int = 1, before: bytes = b"") -> bytes:
    at = png.index(before) - 4 if before else 33
    return png[:at] + _chunk(kind, content) * count + png[at:]


def _with_png_size(png: bytes, width: int, height: int) -> bytes:
    return png[:8] + _chunk(b"IHDR", struct.pack(">II", width, height) + png[24:29]) + png[33:]


def _with_more_pixels(png: bytes) -> bytes:
    packed = zlib.compress(bytes(64 * (64 * 3 + 1)) + bytes(200 * _MEGABYTE), 9)
    return png[:33] + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _hostile_profile() -> bytes:
    """As the content of iCCP: sRGB, with a table of three channels in place of its curve."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for at in range(132, 132 + 12 * count, 12):
        if profile[at : at + 4] == b"rTRC":
            start = int.from_bytes(profile[at + 4 : at + 8], "big")
            profile[at : at + 4] = b"A2B0"
            profile[start : start + 12] = b"mft2\0\0\0\0\3\3\xff\0"
    return b"x\0\0" + zlib.compress(bytes(profile))


def _webp_with(webp: bytes, kind: bytes, content: bytes, count: int = 1) -> bytes:
    canvas = b"VP8X" + struct.pack("<IB3x", 10, 0x08) + b"\x3f\0\0\x3f\0\0"
    added = (kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)) * count
    body = b"WEBP" + canvas + added + webp[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _compressed_bmp(width: int, height: int) -> bytes:
    rows = b"\1\x80\0\0" * height + b"\0\1"
    palette = b"".join(bytes([grey, grey, grey, 0]) for grey in range(256))
    start = 14 + 40 + len(palette)
    head = b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 2835, 2835, 256, 0) + palette + rows


def decode_alone(file: Path) -> dict[str, Any]:
    """Seconds, megabytes at the peak above those before, and the code of the error or "read", of a new process.

    A crash, or no end within two minutes, is an outcome as well.
    """
    command = [sys.executable, "-m", "lab.chaos.bombs", str(file)]
    try:
        done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, timeout=_LONGEST_DECODE_S, check=False)
    except subprocess.TimeoutExpired:
        return {"seconds": float(_LONGEST_DECODE_S), "megabytes": None, "outcome": "no end", "printed": 0}
    if done.returncode:
        return {"seconds": 0.0, "megabytes": None, "outcome": f"ended with {done.returncode}", "printed": 0}
    return {**json.loads(done.stdout), "printed": len(done.stderr.splitlines())}


def _decode(file: Path) -> dict[str, Any]:
    data, settings = file.read_bytes(), load_settings(env_file=None)
    # What is loaded with the first picture is not this one's.
    decode_picture(file_of(small_picture(), "PNG"), settings.max_image_pixels)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before, started, outcome = _memory("VmRSS"), time.perf_counter(), "read"
    try:
        decode_picture(data, settings.max_image_pixels)
    except EyeNetError as error:
        outcome = error.code
    seconds = time.perf_counter() - started
    return {"seconds": round(seconds, 3), "megabytes": round(_memory("VmHWM") - before, 1), "outcome": outcome}


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(f"{name}:"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    print(json.dumps(_decode(Path(sys.argv[1]))))
