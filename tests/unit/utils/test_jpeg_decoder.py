"""The short way to a JPEG's pixels: the same as Pillow's where it is taken, and not taken where a file is unsound."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from src.core.errors import NotAPicture
from src.core.types import RgbImage
from src.utils.image_codec import decode_picture
from src.utils.jpeg_decoder import decode_sound_jpeg

WIDTH, HEIGHT = 97, 75


@pytest.fixture(scope="module")
def photo(face: RgbImage) -> Image.Image:
    """Odd sides, so that the last blocks are cut."""
    return Image.fromarray(face[40:400, 100:580]).resize((WIDTH, HEIGHT))


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def by_pillow(file: bytes) -> RgbImage | None:
    """`None` where Pillow refuses the file."""
    try:
        with Image.open(io.BytesIO(file), formats=["JPEG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None


KINDS: list[tuple[str, dict[str, Any]]] = [
    ("RGB", {"quality": 92}),
    ("RGB", {"quality": 40, "subsampling": 0}),
    ("RGB", {"subsampling": 1}),
    ("RGB", {"subsampling": 2, "progressive": True}),
    ("RGB", {"keep_rgb": True}),
    ("RGB", {"restart_marker_rows": 1}),
    ("RGB", {"optimize": True}),
    ("L", {}),
    ("L", {"progressive": True}),
]


@pytest.mark.parametrize(("mode", "options"), KINDS)
class TestOrdinaryFiles:
    def test_it_gives_pillows_pixels(self, photo: Image.Image, mode: str, options: dict[str, Any]) -> None:
        file = jpeg(photo.convert(mode), **options)
        pixels = decode_sound_jpeg(file, WIDTH, HEIGHT)
        assert pixels is not None
        assert pixels.dtype == np.uint8
        assert np.array_equal(pixels, by_pillow(file))

    def test_a_file_cut_off_anywhere_is_left_to_pillow(
        self, photo: Image.Image, mode: str, options: dict[str, Any]
    ) -> None:
        file = jpeg(photo.convert(mode), **options)
        for length in np.linspace(0, len(file) - 3, 20).astype(int):
            assert decode_sound_jpeg(file[:length], WIDTH, HEIGHT) is None

    def test_damage_never_gives_a_picture_that_pillow_would_refuse_or_see_otherwise(
        self, photo: Image.Image, mode: str, options: dict[str, Any]
    ) -> None:
        file = jpeg(photo.convert(mode), **options)
        dice = np.random.default_rng(0)
        taken = 0
        for _ in range(400):
            damaged = bytearray(file)
            for place in dice.integers(0, len(file), dice.integers(1, 4)):
                damaged[place] ^= 1 << dice.integers(8)
            pixels = decode_sound_jpeg(bytes(damaged), WIDTH, HEIGHT)
            if pixels is not None:
                taken += 1
                assert np.array_equal(pixels, by_pillow(bytes(damaged)))
        assert 0 < taken < 400


def test_what_lies_behind_the_picture_does_not_matter(photo: Image.Image) -> None:
    file = jpeg(photo)
    pixels = decode_sound_jpeg(file + b"trailer" + file, WIDTH, HEIGHT)
    assert np.array_equal(pixels, by_pillow(file))


@pytest.mark.parametrize(("width", "height"), [(WIDTH - 1, HEIGHT), (WIDTH + 1, HEIGHT), (HEIGHT, WIDTH), (32, 32)])
def test_a_file_of_another_size_than_was_checked_is_not_taken(photo: Image.Image, width: int, height: int) -> None:
    assert decode_sound_jpeg(jpeg(photo), width, height) is None


@pytest.mark.parametrize("file", [b"", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"no picture", bytes(1000)])
def test_what_is_no_jpeg_is_left_to_pillow(file: bytes) -> None:
    assert decode_sound_jpeg(file, WIDTH, HEIGHT) is None


@pytest.mark.parametrize(("mode", "options"), KINDS)
def test_half_a_picture_is_refused_in_the_end(photo: Image.Image, mode: str, options: dict[str, Any]) -> None:
    file = jpeg(photo.convert(mode), **options)
    for length in np.linspace(0, len(file) * 9 // 10, 20).astype(int):
        with pytest.raises(NotAPicture):
            decode_picture(file[:length], 1_000_000)
