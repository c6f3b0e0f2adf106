"""Sound picture files of every kind that the service reads, small and drawn here: what mutations start from."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

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
    return {
        "PNG in colour": _file(colour, "PNG"),
        "PNG with alpha": _file(clear, "PNG"),
        "PNG in grey": _file(grey, "PNG"),
        "PNG in grey with alpha": _file(clear.convert("LA"), "PNG"),
        "PNG of 16 bits": _file(deep, "PNG"),
        "PNG of 1 bit": _file(grey.convert("1"), "PNG"),
        "PNG with a palette": _file(palette, "PNG"),
        "PNG with a palette that can be seen through": _file(palette, "PNG", transparency=3),
        "PNG lying on its side": _file(colour, "PNG", exif=exif),
        "PNG that is animated": _file(colour, "PNG", save_all=True, append_images=[other], duration=40),
        "JPEG in colour": _file(colour, "JPEG", quality=90),
        "JPEG in grey": _file(grey, "JPEG"),
        "JPEG in CMYK": _file(colour.convert("CMYK"), "JPEG"),
        "JPEG that is progressive": _file(colour, "JPEG", progressive=True),
        "JPEG lying on its side": _file(colour, "JPEG", exif=exif),
        "JPEG with a second picture": _file(colour, "MPO", save_all=True, append_images=[other]),
        "WebP": _file(colour, "WEBP"),
        "WebP without loss": _file(clear, "WEBP", lossless=True),
        "WebP lying on its side": _file(colour, "WEBP", exif=exif),
        "WebP that is animated": _file(colour, "WEBP", save_all=True, append_images=[other], duration=40),
        "BMP in colour": _file(colour, "BMP"),
        "BMP with a palette": _file(palette, "BMP"),
        "BMP with alpha": _file(clear, "BMP"),
    }


def _drawing() -> Image.Image:
    """A dark disc on slopes of colour, with grain: something in every frequency, and of no person."""
    down, right = np.mgrid[0:_HEIGHT, 0:_WIDTH]
    slopes = np.stack([right * 255 / _WIDTH, down * 255 / _HEIGHT, 255 - right * 255 / _WIDTH], axis=-1)
    disc = (down - _HEIGHT / 2) ** 2 + (right - _WIDTH / 2) ** 2 < (_HEIGHT / 3) ** 2
    slopes[disc] *= 0.3
    grain = np.random.default_rng(5).normal(0, 8, slopes.shape)
    return Image.fromarray((slopes + grain).clip(0, 255).astype(np.uint8))


def _file(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()
