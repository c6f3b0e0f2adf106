"""Bytes to pixels and back: the only file in which that happens.

Every file is walked by `picture_header` first: limits, orientation and colours are known before anything is decoded,
and decoders get only what pixels need. The pixels of JPEG and PNG come from decoders that are faster or let other
threads go on, all others from Pillow.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from PIL import Image, ImageCms

from src.core.errors import UnsupportedPicture
from src.core.types import RgbImage
from src.utils.colour import transform_to_srgb
from src.utils.picture_header import read_picture_header
from src.utils.picture_parts import PictureHeader, cut_off, damaged
from src.utils.png_writer import without_compression

_STRIP_ROWS = 256
_OPAQUE = 255
# OpenCV reads no wider or higher ones.
_LONGEST_PNG_SIDE = 1_000_000
_PNG_RGB, _PNG_RGBA = 2, 6

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

# Sizes are checked on the header; Pillow's own limit, one for all, would only get in the way.
Image.MAX_IMAGE_PIXELS = None
# Pillow registers WebP only once it has met a file that it cannot read, or when told to.
Image.init()


def decode_picture(data: bytes, max_pixels: int) -> RgbImage:
    """The picture as a person would see it: upright, on white, sRGB uint8 HxWx3.

    Args:
        data: a PNG, JPEG, WebP or BMP file, with any colour mode these formats have.
        max_pixels: largest width x height, checked before decoding; JPEGs above it are read smaller where that costs
            nothing.

    Raises:
        UnsupportedPicture: a picture of another format or kind, or an animated one.
        NotAPicture: not a picture, or a damaged one.
        PictureTooLarge: more than `max_pixels`.
        PictureTooSmall: a side of less than 32 px.
    """
    return decode_picture_of(data, read_picture_header(data, max_pixels))


def decode_picture_of(data: bytes, header: PictureHeader) -> RgbImage:
    """The same, of a file whose header has been read.

    Raises:
        UnsupportedPicture: a kind of BMP that is not read.
        NotAPicture: damaged.
    """
    transform = transform_to_srgb(data, header.colour, header.space)
    try:
        if header.format == "JPEG":
            pixels = _jpeg_pixels(header.needed_of(data), header, transform)
        elif header.format == "PNG":
            pixels = _png_pixels(header.needed_of(data), header, transform)
        else:
            pixels = _pillow_pixels(io.BytesIO(header.needed_of(data)), header, transform)
    except _DECODER_ERRORS as error:
        if header.format == "BMP" and str(error).startswith("Unsupported BMP"):
            raise UnsupportedPicture("the picture is a rare kind of BMP; save it as PNG") from None
        raise damaged() from None
    turn = _TURNS.get(header.orientation)
    return pixels if turn is None else np.asarray(turn(pixels), dtype=np.uint8)


def encode_jpeg(rgb: RgbImage, quality: int) -> bytes:
    """A JPEG file of an RGB uint8 HxWx3 array; `quality` is libjpeg's, 1 to 95. For previews that many share a page."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, optimize=True)
    return file.getvalue()


def encode_webp(rgb: RgbImage, quality: int) -> bytes:
    """A WebP file of an RGB uint8 HxWx3 array; `quality` is libwebp's, 0 to 100."""
    file = io.BytesIO()
    # Of the seven methods, the second smallest effort: files are a tenth larger, in a third of the time.
    Image.fromarray(rgb).save(file, "WEBP", quality=quality, method=1)
    return file.getvalue()


def _jpeg_pixels(file: bytes, header: PictureHeader, transform: ImageCms.ImageCmsTransform | None) -> RgbImage:
    has_end = not header.suffix
    if header.space != "CMYK":
        # Each scan is a pass over all pixels: where there are several, a warning is no reason to decode them once more.
        # What has no end is whole only if nobody warns.
        sound = decode_sound_jpeg(file, *header.decoded_size, strict=header.scans == 1 or not has_end)
        if sound is not None:
            return sound if transform is None else _finished_array(sound, transform)
    if not has_end:
        # Pillow does not say where pixels are missing: it makes them grey.
        raise cut_off()
    return _pillow_pixels(io.BytesIO(file), header, transform)


def _png_pixels(file: bytes, header: PictureHeader, transform: ImageCms.ImageCmsTransform | None) -> RgbImage:
    stored = without_compression(file)
    quick = decode_stored_png(stored, header.width, header.height)
    if quick is None:
        return _pillow_pixels(stored, header, transform)
    is_opaque = quick.shape[2] == 3
    # Browsers write an alpha channel even when nothing is transparent.
    if not is_opaque and cv2.extractChannel(quick, 3).min() == _OPAQUE:
        quick, is_opaque = np.asarray(cv2.cvtColor(quick, cv2.COLOR_RGBA2RGB), np.uint8), True
    return quick if is_opaque and transform is None else _finished_array(quick, transform)


def _pillow_pixels(file: io.BytesIO, header: PictureHeader, transform: ImageCms.ImageCmsTransform | None) -> RgbImage:
    # The context manager closes the decoder; the pixels have been copied by then.
    with Image.open(file, formats=[header.format]) as picture:
        if header.shrink > 1:
            picture.draft(None, (header.width // header.shrink, header.height // header.shrink))
        if picture.size != header.decoded_size:
            raise damaged()
        picture.load()
        if picture.mode == "RGB" and not picture.has_transparency_data and transform is None:
            return _array(picture)
        width, height = picture.size
        return _finished(width, height, lambda top, bottom: picture.crop((0, top, width, bottom)), transform)


def _finished_array(stored: RgbImage, transform: ImageCms.ImageCmsTransform | None) -> RgbImage:
    height, width = stored.shape[:2]
    return _finished(width, height, lambda top, bottom: Image.fromarray(stored[top:bottom]), transform)


def _finished(
    width: int,
    height: int,
    rows_between: Callable[[int, int], Image.Image],
    transform: ImageCms.ImageCmsTransform | None,
) -> RgbImage:
    """In sRGB and on white. In strips: at once, it would take ten copies of a large picture."""
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, height)
        pixels[top:bottom] = _finished_strip(rows_between(top, bottom), transform)
    return pixels


def _finished_strip(strip: Image.Image, transform: ImageCms.ImageCmsTransform | None) -> RgbImage:
    if strip.mode.startswith("I"):
        strip = _from_16_bit_grey(strip)
    alpha = None
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        alpha = strip.getchannel("A")
    if transform is not None:
        strip = transform.apply(strip.convert(transform.input_mode))
    if alpha is None:
        return _array(strip if strip.mode == "RGB" else strip.convert("RGB"))
    strip = strip.convert("RGB")
    strip.putalpha(alpha)
    white = Image.new("RGBA", strip.size, (255, 255, 255, 255))
    return _array(Image.alpha_composite(white, strip).convert("RGB"))


def _from_16_bit_grey(strip: Image.Image) -> Image.Image:
    # Pillow's own conversion of 16-bit grey clips at 255 instead of scaling, which turns photographs white.
    samples = np.asarray(strip).astype(np.uint32)
    return Image.fromarray((samples * 255 // 65535).clip(0, 255).astype(np.uint8))


def _array(picture: Image.Image) -> RgbImage:
    return np.asarray(picture, dtype=np.uint8)


def decode_sound_jpeg(file: bytes, width: int, height: int, *, strict: bool = True) -> RgbImage | None:
    """The picture as stored, RGB uint8 HxWx3; None where Pillow has to judge.

    It is the same libjpeg-turbo as Pillow's, with the same settings, and gives the same pixels, but without Pillow's
    copies. Rare subsampling is left to Pillow, and if `strict` anything that libjpeg-turbo so much as warns of. CMYK
    would come out in other colours than Pillow's. Width and height are those of its header, or 2, 4 or 8 times smaller.
    """
    # A file that is larger than its checked header says does not fit, and is refused before it is decoded.
    pixels = np.empty((height, width, 3), np.uint8)
    try:
        decoded = simplejpeg.decode_jpeg(
            file, colorspace="RGB", buffer=pixels, strict=strict, min_width=width, min_height=height
        )
    except ValueError:
        return None
    return pixels if decoded.shape == pixels.shape else None


def decode_stored_png(stored: io.BytesIO, width: int, height: int) -> RgbImage | None:
    """The picture as stored, RGB or RGBA, uint8 HxWx3 or HxWx4; None of those that are left to Pillow.

    OpenCV releases Python's lock meanwhile: with Pillow's decoder two threads decode no faster than one, and nobody is
    answered until a large picture is done. Its libpng writes to standard error whatever it does not like: hence files
    that are sound in any case, which `without_compression` made.
    """
    file = np.frombuffer(stored.getbuffer(), np.uint8)
    _, _, bits, colour_type, _, _, interlace = struct.unpack(">IIBBBBB", file[16:29].tobytes())
    is_simple = bits == 8 and colour_type in (_PNG_RGB, _PNG_RGBA) and not interlace
    if not is_simple or max(width, height) > _LONGEST_PNG_SIDE or bytes(file[37:41]) != b"IDAT":
        return None
    decoded = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.shape[:2] != (height, width):
        return None
    turned = cv2.COLOR_BGR2RGB if colour_type == _PNG_RGB else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(decoded, turned), np.uint8)
