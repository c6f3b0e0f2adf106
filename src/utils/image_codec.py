"""Bytes to pixels and back: the only file in which that happens.

Pillow reads the files: it knows EXIF, palettes, CMYK and 16-bit samples, and it reads the header without the
pixels, so every limit is checked before anything is decoded.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from src.core.errors import EyeNetError, NotAPicture, PictureTooLarge, PictureTooSmall, UnsupportedPicture
from src.core.types import RgbImage

# JPEG includes MPO, what many phones write into a .jpg: a JPEG with a second picture behind it.
_READABLE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_ANIMATED_FORMATS = ("PNG", "WEBP")
_MIN_SIDE_PIXELS = 32
_READABLE_SENTENCE = "send PNG, JPEG, WebP or BMP"

# What Pillow's decoders were seen to raise on damaged files, beside its own OSError.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AssertionError,
    AttributeError,
    struct.error,
    zlib.error,
)

# We check sizes on the header ourselves, with our own limit; Pillow's global one would only get in the way.
Image.MAX_IMAGE_PIXELS = None
# Pillow registers WebP only once it has met a file that it cannot read, or when told to.
Image.init()


def decode_picture(data: bytes, max_pixels: int) -> RgbImage:
    """The picture as a person would see it: upright, on white, RGB uint8 HxWx3.

    Args:
        data: a PNG, JPEG, WebP or BMP file, with any colour mode these formats have.
        max_pixels: largest width x height, checked before decoding.

    Raises:
        UnsupportedPicture: a picture of another format, or an animated one.
        NotAPicture: not a picture, or a damaged one.
        PictureTooLarge: more than `max_pixels`.
        PictureTooSmall: a side of less than 32 px.
    """
    try:
        # The context manager closes the decoder; the pixels have been copied by then.
        with Image.open(io.BytesIO(data), formats=_READABLE_FORMATS) as picture:
            _check_header(picture, max_pixels)
            picture.load()
            _turn_upright(picture)
            return np.asarray(_flatten_on_white(picture), dtype=np.uint8)
    except EyeNetError:
        raise
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    except _DECODER_ERRORS:
        raise NotAPicture("the picture is damaged or cut off") from None


def encode_png(rgb: RgbImage) -> bytes:
    """A PNG file of an RGB uint8 HxWx3 array."""
    buffer = io.BytesIO()
    # Level 1 takes a fraction of the default's time and costs a few percent of size on photographs.
    Image.fromarray(rgb).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def _check_header(picture: Image.Image, max_pixels: int) -> None:
    if picture.width * picture.height > max_pixels:
        raise PictureTooLarge(
            f"the picture has {picture.width}x{picture.height} pixels, more than the {max_pixels:,} allowed"
        )
    if min(picture.width, picture.height) < _MIN_SIDE_PIXELS:
        raise PictureTooSmall(
            f"the picture has {picture.width}x{picture.height} pixels; each side needs {_MIN_SIDE_PIXELS} or more"
        )
    if picture.format in _ANIMATED_FORMATS and getattr(picture, "n_frames", 1) > 1:
        raise UnsupportedPicture("the picture is animated; send a still picture")


def _unidentified(data: bytes) -> EyeNetError:
    """Says which well-known format it is that we do not read, because people send these in good faith."""
    opening = data[:256].lstrip().lower()
    if data.startswith(b"GIF8"):
        name = "a GIF"
    elif data[4:8] == b"ftyp":
        name = "HEIC, AVIF or a video"
    elif data.startswith((b"II*\0", b"MM\0*")):
        name = "a TIFF"
    elif b"<svg" in opening or opening.startswith(b"<?xml"):
        name = "SVG or XML"
    elif data.startswith(b"%PDF"):
        name = "a PDF"
    else:
        return NotAPicture(f"the data is not a picture that can be read; {_READABLE_SENTENCE}")
    return UnsupportedPicture(f"the picture is {name}; {_READABLE_SENTENCE}")


def _turn_upright(picture: Image.Image) -> None:
    # Damaged EXIF says nothing about the pixels; they are shown as stored.
    with contextlib.suppress(*_DECODER_ERRORS):
        ImageOps.exif_transpose(picture, in_place=True)


def _flatten_on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return _from_16_bit_grey(picture)
    if picture.has_transparency_data:
        with_alpha = picture.convert("RGBA")
        white = Image.new("RGBA", with_alpha.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, with_alpha).convert("RGB")
    return picture.convert("RGB")


def _from_16_bit_grey(picture: Image.Image) -> Image.Image:
    # Pillow's own conversion of 16-bit grey clips at 255 instead of scaling, which turns photographs white.
    samples = np.asarray(picture).astype(np.uint32)
    return Image.fromarray((samples * 255 // 65535).clip(0, 255).astype(np.uint8)).convert("RGB")
