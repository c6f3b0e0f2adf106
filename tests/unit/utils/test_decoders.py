"""The quick ways to pixels give those that Pillow gives, and are not taken where a file is unsound."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lab.chaos.mutated_pictures import png_chunk
from src.core.errors import NotAPicture
from src.core.types import RgbImage
from src.utils.image_codec import decode_picture, decode_sound_jpeg, decode_stored_png
from src.utils.png_writer import without_compression
from tests.unit.utils.picture_files import LIMIT, ORIENTATION, RGB, png, saved

WIDTH, HEIGHT = 97, 75


@pytest.fixture(scope="module")
def photo(face: RgbImage) -> Image.Image:
    """Odd sides, so that the last blocks are cut."""
    return Image.fromarray(face[40:400, 100:580]).resize((WIDTH, HEIGHT))


def by_pillow(file: bytes) -> RgbImage | None:
    """None where Pillow refuses the file."""
    try:
        with Image.open(io.BytesIO(file), formats=["JPEG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None


def same(one: RgbImage | None, other: RgbImage | None) -> bool:
    """Whether both are there, and the same."""
    return one is not None and other is not None and np.array_equal(one, other)


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
        file = saved(photo.convert(mode), "JPEG", **options)
        pixels = decode_sound_jpeg(file, WIDTH, HEIGHT)
        assert pixels is not None
        assert pixels.dtype == np.uint8
        assert same(pixels, by_pillow(file))

    def test_a_file_cut_off_anywhere_is_left_to_pillow_which_refuses_it(
        self, photo: Image.Image, mode: str, options: dict[str, Any]
    ) -> None:
        file = saved(photo.convert(mode), "JPEG", **options)
        for length in [0, 2, *np.linspace(0, len(file) - 3, 20).astype(int)]:
            assert decode_sound_jpeg(file[:length], WIDTH, HEIGHT) is None
            # Nearer to its end, nothing of the picture may be missing.
            if length < 0.9 * len(file):
                with pytest.raises(NotAPicture):
                    decode_picture(file[:length], LIMIT)

    def test_damage_never_gives_a_picture_that_pillow_would_refuse_or_see_otherwise(
        self, photo: Image.Image, mode: str, options: dict[str, Any]
    ) -> None:
        file = saved(photo.convert(mode), "JPEG", **options)
        dice = np.random.default_rng(0)
        taken = 0
        for _ in range(400):
            damaged = bytearray(file)
            for place in dice.integers(0, len(file), dice.integers(1, 4)):
                damaged[place] ^= 1 << dice.integers(8)
            pixels = decode_sound_jpeg(bytes(damaged), WIDTH, HEIGHT)
            if pixels is not None:
                taken += 1
                assert same(pixels, by_pillow(bytes(damaged)))
        assert 0 < taken < 400


def test_what_lies_behind_the_picture_does_not_matter(photo: Image.Image) -> None:
    file = saved(photo, "JPEG")
    pixels = decode_sound_jpeg(file + b"trailer" + file, WIDTH, HEIGHT)
    assert same(pixels, by_pillow(file))


@pytest.mark.parametrize(("width", "height"), [(WIDTH - 1, HEIGHT), (WIDTH + 1, HEIGHT), (HEIGHT, WIDTH), (32, 32)])
def test_a_file_of_another_size_than_was_checked_is_not_taken(photo: Image.Image, width: int, height: int) -> None:
    assert decode_sound_jpeg(saved(photo, "JPEG"), width, height) is None
    assert decode_stored_png(without_compression(saved(photo, "PNG")), width, height) is None


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("options", [{}, {"compress_level": 0}, {"optimize": True}, {"compress_level": 9}])
def test_ordinary_files_have_pillows_pixels(photo: Image.Image, mode: str, options: dict[str, Any]) -> None:
    stored = without_compression(saved(photo.convert(mode), "PNG", **options))
    pixels = decode_stored_png(stored, WIDTH, HEIGHT)
    assert pixels is not None
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.asarray(photo.convert(mode)))


def test_other_kinds_of_png_are_left_to_pillow(photo: Image.Image) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (40, 33 * 6), dtype=np.uint8)
    deep = png(33, 40, 16, RGB, b"".join(b"\0" + row.tobytes() for row in rows))
    assert decode_stored_png(without_compression(deep), 33, 40) is None
    for kind in ("L", "P", "LA"):
        stored = without_compression(saved(photo.convert(kind), "PNG"))
        assert decode_stored_png(stored, WIDTH, HEIGHT) is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("behind", [False, True])
def test_it_is_upright_whether_exif_stands_before_or_behind_the_pixels(
    photo: Image.Image, orientation: int, behind: bool
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    file = saved(photo, "PNG")
    place = len(file) - 12 if behind else file.index(b"IDAT") - 4
    file = file[:place] + png_chunk(b"eXIf", content) + file[place:]
    expected = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}.get(orientation)
    turned = photo if expected is None else photo.transpose(Image.Transpose(expected))
    np.testing.assert_array_equal(decode_picture(file, LIMIT), np.asarray(turned))


def test_text_beside_the_pixels_does_not_matter(photo: Image.Image) -> None:
    notes = PngInfo()
    notes.add_text("Comment", "eXIf is only mentioned here")
    np.testing.assert_array_equal(decode_picture(saved(photo, "PNG", pnginfo=notes), LIMIT), np.asarray(photo))
