"""Picture files, good, odd and hostile: each becomes upright RGB on white, or one clear error."""

from __future__ import annotations

import contextlib
import io
import itertools
import re
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from lab.chaos.mutated_pictures import png_chunk, seed_pictures
from src.config.settings import PROJECT_ROOT
from src.core.errors import EyeNetError, NotAPicture, PictureTooLarge, PictureTooSmall, UnsupportedPicture
from src.core.types import RgbImage
from src.utils.image_codec import decode_picture, encode_jpeg
from tests.unit.utils.picture_files import (
    GREY,
    GREY_ALPHA,
    LIMIT,
    ORIENTATION,
    PNG_SIGNATURE,
    RGB,
    RGBA,
    png,
    saved,
)


def decode(data: bytes) -> RgbImage:
    return decode_picture(data, LIMIT)


def png_16_bit(samples: npt.NDArray[np.uint16], colour_type: int) -> bytes:
    """A PNG of uint16 samples, height x width x channels."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png(samples.shape[1], samples.shape[0], 16, colour_type, rows)


@pytest.fixture(scope="module")
def photo(face: RgbImage) -> RgbImage:
    """72 x 96, and nowhere the same when turned or mirrored."""
    return np.asarray(Image.fromarray(face[40:400, 100:580]).resize((96, 72)))


@pytest.fixture(scope="module")
def photo_image(photo: RgbImage) -> Image.Image:
    return Image.fromarray(photo)


def mean_difference(left: RgbImage, right: RgbImage) -> float:
    return float(np.abs(left.astype(int) - right.astype(int)).mean())


class TestFormats:
    @pytest.mark.parametrize(
        ("file_format", "options", "tolerance"),
        [
            ("PNG", {}, 0),
            ("PNG", {"compress_level": 0}, 0),
            ("BMP", {}, 0),
            ("WEBP", {"lossless": True}, 0),
            ("JPEG", {"quality": 95}, 4),
            ("JPEG", {"quality": 95, "progressive": True}, 4),
            ("JPEG", {"quality": 95, "subsampling": 0}, 4),
            ("WEBP", {"quality": 95}, 4),
        ],
    )
    def test_lossless_files_are_read_pixel_by_pixel_and_lossy_ones_nearly_so(
        self, photo: RgbImage, photo_image: Image.Image, file_format: str, options: dict[str, Any], tolerance: int
    ) -> None:
        picture = decode(saved(photo_image, file_format, **options))
        assert picture.dtype == np.uint8
        assert mean_difference(picture, photo) <= tolerance

    @pytest.mark.parametrize("file_format", ["PNG", "JPEG", "MPO", "WEBP", "BMP"])
    def test_a_format_is_read_also_as_the_first_picture_of_a_process(
        self, photo_image: Image.Image, tmp_path: Path, file_format: str
    ) -> None:
        (tmp_path / "picture").write_bytes(saved(photo_image, file_format))
        script = (
            "import pathlib, sys; from src.utils.image_codec import decode_picture;"
            "print(decode_picture(pathlib.Path(sys.argv[1]).read_bytes(), 10**6).shape)"
        )
        command = [sys.executable, "-c", script, str(tmp_path / "picture")]
        process = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True)
        assert process.stdout.strip() == str((*photo_image.size[::-1], 3))

    def test_a_phones_jpeg_with_a_second_picture_behind_it_is_its_first_picture(
        self, photo: RgbImage, photo_image: Image.Image
    ) -> None:
        other = Image.new("RGB", photo_image.size, "blue")
        file = saved(photo_image, "MPO", save_all=True, append_images=[other], quality=95)
        with Image.open(io.BytesIO(file)) as opened:
            assert opened.format == "MPO"
        assert mean_difference(decode(file), photo) < 4


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "MPO", "WEBP", "BMP"])
def test_opencv_sees_png_and_nothing_else(monkeypatch: pytest.MonkeyPatch, file_format: str) -> None:
    """Its readers of other formats have known holes in the version that we keep: docs/security.md."""
    seen: list[bytes] = []
    monkeypatch.setattr(cv2, "imdecode", lambda data, _flags: seen.append(data.tobytes()[:8]))
    assert decode(saved(Image.new("RGB", (64, 48), "red"), file_format)).shape == (48, 64, 3)
    assert seen == ([PNG_SIGNATURE] if file_format == "PNG" else [])


class TestColourModes:
    @pytest.mark.parametrize("bits", [True, False], ids=["one bit", "a byte"])
    def test_grey_becomes_three_equal_channels(self, bits: bool) -> None:
        grey = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
        picture = decode(saved(Image.fromarray(grey > 127 if bits else grey), "PNG"))
        expected = (grey > 127) * np.uint8(255) if bits else grey
        assert np.array_equal(picture, np.repeat(expected[..., None], 3, axis=2))

    @pytest.mark.parametrize("file_format", ["PNG", "BMP"])
    def test_a_palette_is_looked_up(self, photo_image: Image.Image, file_format: str) -> None:
        palette = photo_image.quantize(16)
        assert np.array_equal(decode(saved(palette, file_format)), np.asarray(palette.convert("RGB")))

    def test_cmyk_becomes_rgb(self, photo: RgbImage, photo_image: Image.Image) -> None:
        file = saved(photo_image.convert("CMYK"), "JPEG", quality=95, subsampling=0)
        assert mean_difference(decode(file), photo) < 6

    def test_16_bits_are_scaled_and_not_clipped(self) -> None:
        samples = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
        grey, colours = samples[..., None].repeat(3, axis=2), samples.reshape(32, 128)[:, :126].reshape(32, 42, 3)
        assert np.abs(decode(saved(Image.fromarray(samples), "PNG")) - grey / 257).max() <= 1
        assert np.abs(decode(png_16_bit(colours, RGB)) - colours / 257).max() <= 1

    @pytest.mark.parametrize(
        ("colour_type", "colour", "shown"),
        [(GREY_ALPHA, (0,), (0, 0, 0)), (RGBA, (65535, 0, 0), (255, 0, 0))],
        ids=["grey", "RGB"],
    )
    def test_16_bits_with_alpha_lie_on_white(
        self, colour_type: int, colour: tuple[int, ...], shown: tuple[int, ...]
    ) -> None:
        samples = np.zeros((40, 40, len(colour) + 1), np.uint16)
        samples[..., :-1] = colour
        samples[:20, :, -1] = 65535
        picture = decode(png_16_bit(samples, colour_type))
        assert np.all(picture[:20] == shown)
        assert np.all(picture[20:] == 255)

    def test_samples_of_two_bits_are_scaled(self) -> None:
        rows = b"".join(b"\0" + bytes([0b00011011]) * 8 for _ in range(32))
        assert decode(png(32, 32, 2, GREY, rows))[0, :4, 0].tolist() == [0, 85, 170, 255]


class TestTransparency:
    @pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
    def test_half_transparent_red_on_white_is_pink(self, file_format: str) -> None:
        picture = decode(saved(Image.new("RGBA", (40, 40), (255, 0, 0, 128)), file_format, lossless=True))
        assert np.abs(picture.astype(int) - (255, 127, 127)).max() <= 1

    def test_one_transparent_pixel_does_not_change_the_others(self, photo: RgbImage) -> None:
        nearly_opaque = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
        nearly_opaque[5, 7, 3] = 0
        expected = photo.copy()
        expected[5, 7] = 255
        assert np.array_equal(decode(saved(Image.fromarray(nearly_opaque), "PNG")), expected)

    @pytest.mark.parametrize("hidden", [(0, 0, 0, 0), (12, 200, 99, 0)])
    def test_the_colour_under_full_transparency_does_not_show(self, hidden: tuple[int, int, int, int]) -> None:
        assert np.all(decode(saved(Image.new("RGBA", (40, 40), hidden), "PNG")) == 255)

    @pytest.mark.parametrize(
        ("mode", "below", "above", "options", "shown"),
        [
            ("LA", (0, 0), (0, 255), {}, 0),
            ("P", 0, 1, {"transparency": bytes([0, 255])}, (0, 0, 200)),
            ("RGB", (1, 2, 3), (9, 9, 9), {"transparency": (1, 2, 3)}, 9),
        ],
        ids=["grey", "an entry of a palette", "a single colour"],
    )
    def test_what_is_transparent_in_another_way_is_white_too(
        self, mode: str, below: Any, above: Any, options: dict[str, Any], shown: Any
    ) -> None:
        picture = Image.new(mode, (40, 40), below)
        if mode == "P":
            picture.putpalette([200, 0, 0, 0, 0, 200])
        picture.paste(above, (0, 0, 40, 20))
        pixels = decode(saved(picture, "PNG", **options))
        assert np.all(pixels[:20] == shown)
        assert np.all(pixels[20:] == 255)


# What the EXIF standard says of each value: which sides of the upright picture the stored row 0 and column 0 are.
AS_STORED: dict[int, Callable[[RgbImage], RgbImage]] = {
    1: lambda upright: upright,  # top, left
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.swapaxes(0, 1),  # left, top
    6: lambda upright: upright[:, ::-1].swapaxes(0, 1),  # right, top
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda upright: upright[::-1].swapaxes(0, 1),  # left, bottom
}


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


class TestOrientation:
    @pytest.mark.parametrize("orientation", AS_STORED)
    @pytest.mark.parametrize(
        ("file_format", "options"),
        [("JPEG", {"quality": 95, "subsampling": 0}), ("PNG", {}), ("WEBP", {"lossless": True})],
    )
    def test_the_picture_comes_out_upright(
        self, photo: RgbImage, file_format: str, options: dict[str, Any], orientation: int
    ) -> None:
        stored = Image.fromarray(np.ascontiguousarray(AS_STORED[orientation](photo)))
        picture = decode(saved(stored, file_format, exif=exif_of(orientation), **options))
        assert picture.shape == photo.shape
        assert mean_difference(picture, photo) < 3

    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("orientation", AS_STORED)
    def test_a_jpeg_is_turned_as_pillow_turns_it(self, photo_image: Image.Image, mode: str, orientation: int) -> None:
        file = saved(photo_image.convert(mode), "JPEG", exif=exif_of(orientation))
        with Image.open(io.BytesIO(file)) as opened:
            turned = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
        assert np.array_equal(decode(file), turned)

    @pytest.mark.parametrize("orientation", [0, 9, 65535])
    def test_a_value_that_exif_does_not_know_turns_nothing(self, photo_image: Image.Image, orientation: int) -> None:
        assert np.array_equal(decode(saved(photo_image, "PNG", exif=exif_of(orientation))), np.asarray(photo_image))

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
    @pytest.mark.parametrize(
        "exif",
        [b"", b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*" + b"\xff" * 40],
        ids=itertools.count(),
    )
    def test_damaged_exif_does_not_spoil_the_picture(
        self, photo: RgbImage, photo_image: Image.Image, exif: bytes
    ) -> None:
        assert mean_difference(decode(saved(photo_image, "JPEG", quality=95, exif=exif)), photo) < 4

    def test_exif_of_the_wrong_type_does_not_spoil_the_picture(self, photo_image: Image.Image) -> None:
        make, rational, short = 0x010F, 5, 3
        exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + struct.pack("<HHII", make, rational, 1, 38)
        exif += struct.pack("<HHIHH", ORIENTATION, short, 1, 6, 0) + struct.pack("<III", 0, 1, 2)
        assert sorted(decode(saved(photo_image, "JPEG", exif=exif)).shape) == [3, 72, 96]


class TestRefusals:
    @pytest.mark.parametrize(
        ("file", "name"),
        [
            (saved(Image.new("RGB", (40, 40)), "GIF"), "GIF"),
            (saved(Image.new("RGB", (40, 40)), "TIFF"), "TIFF"),
            (b"MM\0*\0\0\0\x08" + bytes(40), "TIFF"),
            (b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"/>', "SVG"),
            (b'\n <?xml version="1.0"?>\n<svg/>', "SVG"),
            (b"%PDF-1.7\n" + bytes(40), "PDF"),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40), "HEIC"),
            (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(40), "AVIF"),
            (b"\0\0\0\x20ftypisom\0\0\2\0" + bytes(40), "video"),
        ],
        ids=["GIF", "TIFF", "big-endian TIFF", "SVG", "XML", "PDF", "HEIC", "AVIF", "MP4"],
    )
    def test_a_format_that_is_not_read_is_named(self, file: bytes, name: str) -> None:
        with pytest.raises(UnsupportedPicture, match=name) as refusal:
            decode(file)
        assert "send PNG, JPEG, WebP or BMP" in str(refusal.value)

    @pytest.mark.parametrize("file_format", ["ICO", "PPM", "TGA", "PCX", "JPEG2000"])
    def test_other_formats_are_never_decoded(self, photo_image: Image.Image, file_format: str) -> None:
        with pytest.raises((NotAPicture, UnsupportedPicture)):
            decode(saved(photo_image, file_format))

    @pytest.mark.parametrize(
        "file",
        [
            b"",
            b"\0",
            b"s3cret s3cret s3cret",
            bytes(1000),
            PNG_SIGNATURE,
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xe0",
            b"RIFF\x10\0\0\0WEBPVP8 ",
            b"BM",
            b"BM" + bytes(60),
            np.random.default_rng(0).bytes(2000),
            # Its colours are those of a palette, which it does not have.
            png(32, 32, 8, 3, bytes(32 * 33)),
        ],
        ids=itertools.count(),
    )
    def test_what_is_no_picture_is_refused_and_not_quoted(self, file: bytes) -> None:
        with pytest.raises(NotAPicture) as refusal:
            decode(file)
        assert "s3cret" not in str(refusal.value)

    def test_an_empty_file_is_said_to_be_empty(self) -> None:
        with pytest.raises(NotAPicture, match=r"^the picture is empty$"):
            decode(b"")

    @pytest.mark.parametrize("size", [(1, 1), (31, 400), (400, 31)])
    def test_a_picture_of_less_than_32_pixels_is_refused(self, size: tuple[int, int]) -> None:
        with pytest.raises(PictureTooSmall, match=f"{size[0]}x{size[1]}"):
            decode(saved(Image.new("RGB", size), "PNG"))
        assert decode(saved(Image.new("RGB", (32, 32)), "PNG")).shape == (32, 32, 3)
        with pytest.raises((NotAPicture, PictureTooSmall)):
            decode(png(0, 0, 8, RGB, b""))


@contextlib.contextmanager
def at_most_50_megabytes() -> Iterator[None]:
    """Fails if what happens inside touches more than 50 MB of new memory. Only Linux can tell."""
    reset_peak, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if not reset_peak.exists():
        yield
        return

    def kilobytes(line: str) -> int:
        return int(re.search(rf"{line}:\s+(\d+) kB", status.read_text())[1])  # type: ignore[index]

    reset_peak.write_text("5")
    before = kilobytes("VmRSS")
    yield
    assert kilobytes("VmHWM") - before < 50_000


class TestDecompressionBombs:
    def test_the_limit_itself_is_allowed_and_one_column_more_is_not(self) -> None:
        assert decode_picture(saved(Image.new("RGB", (50, 40)), "PNG"), 2000).shape == (40, 50, 3)
        with pytest.raises(PictureTooLarge, match="51x40"):
            decode_picture(saved(Image.new("RGB", (51, 40)), "PNG"), 2000)

    @staticmethod
    def bomb(file_format: str) -> bytes:
        """A file of some kilobytes whose header says more than 200 million pixels."""
        if file_format == "PNG":
            # This one is whole: it would decode to 1.2 GB.
            return png(20_000, 20_000, 1, GREY, bytes(20_000 * (1 + 20_000 // 8)))
        file = bytearray(saved(Image.new("RGB", (64, 64)), file_format))
        if file_format == "JPEG":
            struct.pack_into(">HH", file, file.index(b"\xff\xc0") + 5, 20_000, 20_000)
        elif file_format == "WEBP":
            struct.pack_into("<HH", file, file.index(b"\x9d\x01\x2a") + 3, 16_383, 16_383)
        else:
            struct.pack_into("<ii", file, 18, 20_000, 20_000)
        return bytes(file)

    @pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP"])
    def test_a_bomb_is_refused_on_its_header_before_it_takes_time_or_memory(self, file_format: str) -> None:
        bomb = self.bomb(file_format)
        # Of this thread, which a busy machine does not make longer.
        started = time.thread_time()
        # A JPEG of that size would be read smaller; this one is far too short for it.
        refusal = NotAPicture if file_format == "JPEG" else PictureTooLarge
        with at_most_50_megabytes(), pytest.raises(refusal):
            decode(bomb)
        assert time.thread_time() - started < 0.5

    @pytest.mark.parametrize(
        ("kind", "opening"),
        [(b"zTXt", b"bomb\0\0"), (b"iCCP", b"bomb\0\0"), (b"iTXt", b"bomb\0\1\0\0\0")],
        ids=["zTXt", "iCCP", "iTXt"],
    )
    def test_a_bomb_in_a_text_chunk_takes_no_memory(self, kind: bytes, opening: bytes) -> None:
        chunk = png_chunk(kind, opening + zlib.compress(bytes(100_000_000), level=1))
        file = png(32, 32, 8, GREY, bytes(32 * 33), extra=chunk)
        with at_most_50_megabytes():
            assert_picture_or_error(file)


def assert_picture_or_error(file: bytes) -> None:
    """Anything but an `EyeNetError` fails the test."""
    with contextlib.suppress(EyeNetError):
        picture = decode_picture(file, 1_000_000)
        assert picture.dtype == np.uint8
        assert picture.ndim == 3
        assert picture.shape[2] == 3


# What random damage does is in test_mutated_pictures.py. Pillow warns of damaged EXIF and of animations that lack their
# frames; here that is what is wanted.
@pytest.mark.filterwarnings("ignore::UserWarning")
class TestDamage:
    @pytest.mark.parametrize(
        "kind",
        [
            "PNG in colour",
            "PNG with a palette that can be seen through",
            "PNG in grey with alpha",
            "JPEG in colour",
            "JPEG in CMYK",
            "WebP",
            "BMP in colour",
        ],
    )
    def test_a_file_that_is_cut_off_anywhere_in_its_pixels_is_refused(self, kind: str) -> None:
        file = seed_pictures()[kind]
        for length in [*range(40), *range(40, len(file) * 9 // 10, max(1, len(file) // 150))]:
            with pytest.raises(NotAPicture):
                decode(file[:length])

    @pytest.mark.parametrize("kind", seed_pictures())
    def test_a_file_that_is_cut_off_near_its_end_is_a_picture_or_refused(self, kind: str) -> None:
        file = seed_pictures()[kind]
        for length in range(len(file) - 60, len(file)):
            assert_picture_or_error(file[:length])

    @pytest.mark.parametrize("kind", [kind for kind in seed_pictures() if kind.startswith("PNG")])
    def test_a_png_without_any_one_of_its_chunks_is_a_picture_or_refused(self, kind: str) -> None:
        file = seed_pictures()[kind]
        chunks, place = [], len(PNG_SIGNATURE)
        while place < len(file):
            end = place + 12 + struct.unpack_from(">I", file, place)[0]
            chunks.append(file[place:end])
            place = end
        for missing in range(len(chunks)):
            assert_picture_or_error(PNG_SIGNATURE + b"".join(chunks[:missing] + chunks[missing + 1 :]))


def test_a_jpeg_preview_comes_back_nearly_as_it_was() -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    picture = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (48, 64, 3)))
    data = encode_jpeg(picture, 90)
    assert np.abs(decode_picture(data, 10_000).astype(int) - picture).mean() < 2
    assert len(encode_jpeg(picture, 20)) < len(data)


def test_decoders_print_nothing_whatever_they_are_given(tmp_path: Path) -> None:
    """OpenCV's libpng and libjpeg know no other way to complain than the standard error of the whole process."""
    png_file, jpeg_file = seed_pictures()["PNG in colour"], seed_pictures()["JPEG in colour"]
    dice = np.random.default_rng(0)
    files = [png_file[:33] + png_chunk(b"gAMA", b"\0\0\0\1") * 5000 + png_file[33:]]
    for file in (png_file, seed_pictures()["PNG with alpha"], jpeg_file, seed_pictures()["WebP"]):
        for _ in range(40):
            damaged = bytearray(file)
            damaged[int(dice.integers(30, len(file)))] ^= 1 << int(dice.integers(8))
            files.append(bytes(damaged))
    # Sound chunks of rows that make no sense, and too few and too many of them.
    files += [png(32, 32, 8, RGB, rows) for rows in (b"\7" * 33 * 97, bytes(90), bytes(99_999))]
    # Very many IDAT, of a picture of 9 MB.
    stream = zlib.compress(bytes(1730 * (1 + 3 * 1730)))
    many = b"".join(png_chunk(b"IDAT", stream[at : at + 1]) for at in range(len(stream)))
    files.append(png(1730, 1730, 8, RGB, b"")[:33] + many)
    for number, file in enumerate(files):
        (tmp_path / f"{number:03}").write_bytes(file)
    script = (
        "import pathlib, sys\n"
        "from src.core.errors import EyeNetError\n"
        "from src.utils.image_codec import decode_picture\n"
        "for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    try: decode_picture(file.read_bytes(), 10**7)\n"
        "    except EyeNetError: print('refused')\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    process = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert process.stderr == ""
    assert 20 < process.stdout.count("refused") < len(files)


class TestLargeJpegs:
    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("shrink", [2, 4, 8])
    def test_they_are_read_smaller_and_look_the_same(self, face: RgbImage, mode: str, shrink: int) -> None:
        large = Image.fromarray(face).resize((1000, 768)).convert(mode)
        size = 1000 // shrink, 768 // shrink
        picture = decode_picture(saved(large, "JPEG", quality=95, exif=exif_of(6)), size[0] * size[1])
        assert picture.shape == (size[0], size[1], 3)
        expected = large.resize(size, Image.Resampling.BOX).convert("RGB").transpose(Image.Transpose.ROTATE_270)
        assert mean_difference(picture, np.asarray(expected)) < 4


def test_a_jpeg_whose_decoder_warns_is_as_pillow_sees_it(photo_image: Image.Image) -> None:
    file = saved(photo_image, "JPEG", quality=95, progressive=True)
    scan = file[file.rindex(b"\xff\xda") : -2]
    for times in (2, 15):
        repeated = file[:-2] + scan * times + file[-2:]
        with Image.open(io.BytesIO(repeated)) as opened:
            assert np.array_equal(decode(repeated), np.asarray(opened.convert("RGB")))
