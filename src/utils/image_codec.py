"""Bytes to pixels and back: the only file in which that happens.

Pillow reads the files: it knows EXIF, palettes, CMYK and 16-bit samples, and it reads the header without the
pixels, so every limit is checked before anything is decoded. The pixels of sound JPEG and PNG files come from decoders
that are faster or let other threads go on; Pillow decodes all others, and alone decides what is damaged.
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from PIL import ExifTags, Image, UnidentifiedImageError

from src.core.errors import EyeNetError, NotAPicture, PictureTooLarge, PictureTooSmall, UnsupportedPicture
from src.core.types import RgbImage
from src.utils.picture_parts import PictureHeader

# JPEG includes MPO, what many phones write into a .jpg: a JPEG with a second picture behind it.
_READABLE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_JPEG_FORMATS = ("JPEG", "MPO")
_ANIMATED_FORMATS = ("PNG", "WEBP")
# A chunk's name, and the text that ImageMagick writes instead.
_PNG_EXIF = (b"eXIf", b"Raw profile type exif")
_MIN_SIDE_PIXELS = 32
_STRIP_ROWS = 256
_OPAQUE = 255
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

# What makes a picture upright, by its EXIF orientation. 1 is upright; what EXIF does not know turns nothing.
_TURNS: dict[int, Callable[[RgbImage], object]] = {
    2: lambda pixels: cv2.flip(pixels, 1),
    3: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_180),
    4: lambda pixels: cv2.flip(pixels, 0),
    5: cv2.transpose,
    6: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_CLOCKWISE),
    7: lambda pixels: cv2.rotate(cv2.transpose(pixels), cv2.ROTATE_180),
    8: lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
}

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
            pixels = _pixels(picture, data)
            return _upright(pixels, picture) if _may_have_exif(picture, data) else pixels
    except EyeNetError:
        raise
    except UnidentifiedImageError:
        raise _unidentified(data) from None
    except _DECODER_ERRORS:
        raise NotAPicture("the picture is damaged or cut off") from None


def encode_jpeg(rgb: RgbImage, quality: int) -> bytes:
    """A JPEG file of an RGB uint8 HxWx3 array; `quality` is libjpeg's, 1 to 95. For previews that many share a page."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


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
    if not data:
        return NotAPicture("the picture is empty")
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


def _pixels(picture: Image.Image, data: bytes) -> RgbImage:
    """The picture on white, as stored."""
    if picture.format in _JPEG_FORMATS and picture.mode in ("RGB", "L"):
        sound = decode_sound_jpeg(data, picture.width, picture.height)
        if sound is not None:
            return sound
    if picture.format == "PNG" and picture.mode in ("RGB", "RGBA"):
        sound = decode_sound_png(data, picture.width, picture.height)
        if sound is not None:
            return sound
    picture.load()
    if picture.mode.startswith("I"):
        return _from_16_bit_grey(picture)
    if picture.has_transparency_data:
        return _on_white(picture)
    return _array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _may_have_exif(picture: Image.Image, data: bytes) -> bool:
    # In a PNG it may stand behind the pixels, and Pillow decodes all of them on its way there.
    return picture.format != "PNG" or any(name in data for name in _PNG_EXIF)


def _upright(pixels: RgbImage, picture: Image.Image) -> RgbImage:
    # Damaged EXIF says nothing about the pixels; they are shown as stored.
    with contextlib.suppress(*_DECODER_ERRORS):
        turn = _TURNS.get(picture.getexif().get(ExifTags.Base.Orientation, 1))
        if turn is not None:
            return np.asarray(turn(pixels), dtype=np.uint8)
    return pixels


def _on_white(picture: Image.Image) -> RgbImage:
    # In strips: at once, it would take ten copies of a large picture.
    pixels = np.empty((picture.height, picture.width, 3), np.uint8)
    for top in range(0, picture.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, picture.height)
        pixels[top:bottom] = _strip_on_white(picture.crop((0, top, picture.width, bottom)).convert("RGBA"))
    return pixels


def _strip_on_white(strip: Image.Image) -> RgbImage:
    samples = _array(strip)
    # Browsers write an alpha channel even when nothing is transparent.
    if samples[..., 3].min() == _OPAQUE:
        return np.asarray(cv2.cvtColor(samples, cv2.COLOR_RGBA2RGB), dtype=np.uint8)
    white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
    return _array(Image.alpha_composite(white, strip).convert("RGB"))


def _from_16_bit_grey(picture: Image.Image) -> RgbImage:
    # Pillow's own conversion of 16-bit grey clips at 255 instead of scaling, which turns photographs white.
    samples = np.asarray(picture).astype(np.uint32)
    grey = (samples * 255 // 65535).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)


def _array(picture: Image.Image) -> RgbImage:
    return np.asarray(picture, dtype=np.uint8)


def decode_sound_jpeg(data: bytes, width: int, height: int) -> RgbImage | None:
    """The picture as stored, RGB uint8 HxWx3; None where Pillow has to judge.

    It is the same libjpeg-turbo as Pillow's, with the same settings, and gives the same pixels, but without Pillow's
    copies. Anything that libjpeg-turbo so much as warns of is left to Pillow: damage, a file that is cut off, rare
    subsampling. CMYK would come out in other colours than Pillow's. What lies behind the file's first picture does not
    matter. Width and height are those of its header, as they were checked.
    """
    # A file that is larger than its checked header says does not fit, and is refused before it is decoded.
    pixels = np.empty((height, width, 3), np.uint8)
    try:
        decoded = simplejpeg.decode_jpeg(data, colorspace="RGB", buffer=pixels, strict=True)
    except ValueError:
        return None
    return pixels if decoded.shape == pixels.shape else None


def decode_sound_png(data: bytes, width: int, height: int) -> RgbImage | None:
    """The picture as stored, RGB uint8 HxWx3; None where Pillow has to judge.

    OpenCV's libpng takes as long as Pillow's, but releases Python's lock meanwhile: with Pillow's, two threads decode
    no faster than one, and nobody is answered until a large picture is done. Damage, files that are cut off,
    transparent pictures, and samples of 16 bits are left to Pillow. Width and height are those of the file's header, as
    they were checked.
    """
    try:
        stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if stored is None or stored.dtype != np.uint8 or stored.shape[:2] != (height, width) or stored.ndim != 3:
        return None
    if stored.shape[2] == 3:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB), np.uint8)
    if stored.shape[2] == 4 and cv2.extractChannel(stored, 3).min() == _OPAQUE:
        return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGRA2RGB), np.uint8)
    return None


def decode_picture_of(data: bytes, header: PictureHeader) -> RgbImage:
    """`decode_picture` of a file whose header was read and checked."""
    return decode_picture(data, header.pixels)
