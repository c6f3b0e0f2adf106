"""The short way to a PNG's pixels: the same as Pillow's where it is taken, and not taken where a file is unsound."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from src.core.errors import NotAPicture
from src.core.types import RgbImage
from src.utils.image_codec import decode_picture
from src.utils.png_decoder import decode_sound_png

WIDTH, HEIGHT = 97, 75


@pytest.fixture(scope="module")
def photo(face: RgbImage) -> Image.Image:
    return Image.fromarray(face[40:400, 100:580]).resize((WIDTH, HEIGHT))


def png(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **options)
    return buffer.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{}, {"compress_level": 0}, {"optimize": True}, {"dpi": (72, 72)}])
def test_ordinary_files_have_pillows_pixels(photo: Image.Image, mode: str, options: dict[str, Any]) -> None:
    pixels = decode_sound_png(png(photo.convert(mode), **options), WIDTH, HEIGHT)
    assert pixels is not None
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(photo))


def test_what_can_be_seen_through_is_left_to_the_other_decoder(photo: Image.Image) -> None:
    see_through = photo.convert("RGBA")
    see_through.putpixel((3, 5), (1, 2, 3, 254))
    assert decode_sound_png(png(see_through), WIDTH, HEIGHT) is None
    np.testing.assert_array_equal(decode_picture(png(see_through), 10**6)[6:], np.asarray(photo)[6:])


def test_a_colour_that_stands_for_nothing_is_shown_white(photo: Image.Image) -> None:
    red = (250, 1, 2)
    marked = photo.copy()
    marked.paste(red, (0, 0, 10, 10))
    decoded = decode_picture(png(marked, transparency=red), 10**6)
    assert (decoded[:10, :10] == 255).all()
    np.testing.assert_array_equal(decoded[10:], np.asarray(photo)[10:])


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16"])
def test_other_kinds_are_left_to_the_other_decoder_and_come_out_as_before(photo: Image.Image, mode: str) -> None:
    grey = photo.convert("L")
    picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else photo.convert(mode)
    assert decode_picture(png(picture), 10**6).shape == (HEIGHT, WIDTH, 3)


def test_sixteen_bits_per_colour_are_left_to_the_other_decoder() -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (40, 33, 3)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = (33).to_bytes(4, "big") + (40).to_bytes(4, "big") + bytes([16, 2, 0, 0, 0])
    file = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert decode_sound_png(file, 33, 40) is None
    assert np.abs(decode_picture(file, 10**6).astype(int) - (samples >> 8)).max() <= 1


def test_another_size_than_the_checked_one_is_refused(photo: Image.Image) -> None:
    assert decode_sound_png(png(photo), WIDTH + 1, HEIGHT) is None


@pytest.mark.parametrize("cut", range(40, 2000, 130))
def test_a_file_that_is_cut_off_is_never_half_a_picture(photo: Image.Image, cut: int) -> None:
    file = png(photo)
    assert len(file) > 2000
    assert decode_sound_png(file[:-cut], WIDTH, HEIGHT) is None
    with pytest.raises(NotAPicture):
        decode_picture(file[:-cut], 10**6)


@pytest.mark.parametrize("seed", range(60))
def test_damage_has_the_pixels_that_pillow_sees_or_none(photo: Image.Image, seed: int) -> None:
    file = bytearray(png(photo))
    place = int(np.random.default_rng(seed).integers(8, len(file)))
    file[place] ^= 1 << seed % 8
    pixels = decode_sound_png(bytes(file), WIDTH, HEIGHT)
    if pixels is not None:
        # Only in what says nothing of the pixels: they are those of the file before.
        np.testing.assert_array_equal(pixels, np.asarray(photo))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("behind", [False, True])
def test_it_is_upright_whether_exif_stands_before_or_behind_the_pixels(
    photo: Image.Image, orientation: int, behind: bool
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    file = png(photo)
    place = len(file) - 12 if behind else file.index(b"IDAT") - 4
    file = file[:place] + chunk(b"eXIf", content) + file[place:]
    expected = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    turned = photo if expected is None else photo.transpose(Image.Transpose(expected))
    np.testing.assert_array_equal(decode_picture(file, 10**6), np.asarray(turned))


def test_text_beside_the_pixels_does_not_matter(photo: Image.Image) -> None:
    notes = PngInfo()
    notes.add_text("Comment", "eXIf is only mentioned here")
    np.testing.assert_array_equal(decode_picture(png(photo, pnginfo=notes), 10**6), np.asarray(photo))
