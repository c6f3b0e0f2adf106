"""Whatever colours a file is in, what comes out is sRGB: the same picture, however it was declared."""

from __future__ import annotations

import struct
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from lab.chaos.mutated_pictures import png_chunk
from src.config.settings import PROJECT_ROOT
from src.core.types import Floats, RgbImage
from src.utils.colour import transform_to_srgb
from src.utils.image_codec import decode_picture
from src.utils.picture_parts import DeclaredColour
from tests.unit.utils.picture_files import LIMIT, RGB, jpeg_segment, png, saved

D65, D50 = (0.3127, 0.3290), (0.3457, 0.3585)
SRGB_PRIMARIES = (*D65, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_PRIMARIES = (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
# White, red, green and blue, and the exponent; none for the curve of sRGB.
SPACES: dict[str, tuple[tuple[float, ...], float | None]] = {
    "Display P3": (P3_PRIMARIES, None),
    "Adobe RGB": ((*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256),
    "ProPhoto": ((*D50, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), 1.8),
    "gamma 1.0": (SRGB_PRIMARIES, 1.0),
    "gamma 1.8": (SRGB_PRIMARIES, 1.8),
}
# Samples of 8 bits, of which the curve of gamma 1.0 leaves few for what is dark.
TOLERANCES = {"gamma 1.0": 7, "ProPhoto": 4}


def xyz_of(primaries: tuple[float, ...]) -> Floats:
    """The matrix from light to XYZ (SMPTE RP 177)."""
    x, y = np.array(primaries[0::2]), np.array(primaries[1::2])
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return np.asarray(columns[:, 1:] * np.linalg.solve(columns[:, 1:], columns[:, 0]))


def adapted_to_d50(xyz: Floats) -> Floats:
    """Bradford's way (ICC.1:2022, annex E), from the white that the columns add up to."""
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (bradford @ [0.9642, 1.0, 0.8249]) / (bradford @ xyz.sum(axis=1))
    return np.asarray(np.linalg.inv(bradford) @ np.diag(scale) @ bradford @ xyz)


def light_of(samples: Floats) -> Floats:
    """IEC 61966-2-1."""
    return np.where(samples <= 0.04045, samples / 12.92, ((samples + 0.055) / 1.055) ** 2.4)


def copy_in(space: str, picture: RgbImage) -> RgbImage:
    """The same colours as samples of another space, reckoned here and not by a library."""
    primaries, exponent = SPACES[space]
    light = light_of(picture / 255) @ adapted_to_d50(xyz_of(SRGB_PRIMARIES)).T
    light = (light @ np.linalg.inv(adapted_to_d50(xyz_of(primaries))).T).clip(0, 1)
    if exponent is None:
        samples = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    else:
        samples = light ** (1 / exponent)
    return np.asarray(np.rint(samples * 255), np.uint8)


def profile_of(tags: list[tuple[bytes, bytes]], space: bytes = b"RGB ", kind: bytes = b"mntr") -> bytes:
    """An ICC profile of version 2 (ICC.1:2001)."""
    table, body, first = b"", b"", 132 + 12 * len(tags)
    for name, content in tags:
        table += struct.pack(">4sII", name, first + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    connection = b"Lab " if kind == b"prtr" else b"XYZ "
    header = struct.pack(">I4sI4s4s4s12s4s", first + len(body), b"", 0x02400000, kind, space, connection, b"", b"acsp")
    white = struct.pack(">3i", 63189, 65536, 54060)
    return header.ljust(68, b"\0") + white + bytes(48) + struct.pack(">I", len(tags)) + table + body


def xyz_tag(values: Any) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve_tag(exponent: float | None) -> bytes:
    if exponent is not None:
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(exponent * 256))
    points: bytes = np.rint(light_of(np.linspace(0, 1, 1024)) * 65535).astype(">u2").tobytes()
    return b"curv\0\0\0\0" + struct.pack(">I", 1024) + points


def screen(space: str) -> bytes:
    primaries, exponent = SPACES[space]
    columns = adapted_to_d50(xyz_of(primaries)).T
    tags = [(name, xyz_tag(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    return profile_of([*tags, *((name, curve_tag(exponent)) for name in (b"rTRC", b"gTRC", b"bTRC"))])


GREY_OF_GAMMA_1 = profile_of([(b"wtpt", xyz_tag((0.9642, 1, 0.8249))), (b"kTRC", curve_tag(1.0))], b"GRAY")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def press() -> bytes:
    """A CMYK profile in which ink of a colour takes away its light, and black all of it, as far as grey of 6 %."""
    steps = np.linspace(0, 1, 9)
    inks = np.stack(np.meshgrid(steps, steps, steps, steps, indexing="ij"), axis=-1)
    light = (1 - inks[..., :3]) * (1 - inks[..., 3:]) * 0.94 + 0.06
    xyz = (light @ adapted_to_d50(xyz_of(SRGB_PRIMARIES)).T) / (0.9642, 1, 0.8249)
    cube = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = [116 * cube[..., 1] - 16, 500 * (cube[..., 0] - cube[..., 1]), 200 * (cube[..., 1] - cube[..., 2])]
    table = np.stack([lab[0] * 652.8, (lab[1] + 128) * 256, (lab[2] + 128) * 256], axis=-1)
    ramp = np.array([0, 65535], ">u2").tobytes()
    identity = struct.pack(">9i", *np.eye(3, dtype=int).ravel() * 65536)
    content = b"mft2\0\0\0\0" + bytes([4, 3, 9, 0]) + identity + struct.pack(">HH", 2, 2) + ramp * 4
    content += np.rint(table).clip(0, 65535).astype(">u2").tobytes() + ramp * 3
    # The way back is by black ink alone: all of it at the lightness 0, none at 100.
    back = np.zeros((2, 2, 2, 4), ">u2")
    back[0, ..., 3] = 65535
    returning = b"mft2\0\0\0\0" + bytes([3, 4, 2, 0]) + identity + struct.pack(">HH", 2, 2) + ramp * 3
    returning += back.tobytes() + ramp * 4
    return profile_of([(b"A2B0", content), (b"A2B1", content), (b"B2A0", returning)], b"CMYK", b"prtr")


@pytest.fixture(scope="module")
def picture(face: RgbImage) -> RgbImage:
    return np.asarray(Image.fromarray(face[40:400, 100:580]).resize((96, 72)))


def largest_difference(file: bytes, picture: RgbImage) -> int:
    return int(np.abs(decode_picture(file, LIMIT).astype(int) - picture).max())


@pytest.mark.parametrize("space", SPACES)
class TestSpaces:
    @pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TRUE BMP"])
    def test_a_profile_is_honoured_to_a_few_levels(self, picture: RgbImage, space: str, file_format: str) -> None:
        copy = Image.fromarray(copy_in(space, picture))
        if file_format == "TRUE BMP":
            file = bmp_with_profile(copy, screen(space))
        else:
            file = saved(copy, file_format, lossless=True, icc_profile=screen(space))
        assert largest_difference(file, picture) <= TOLERANCES.get(space, 3)

    @pytest.mark.parametrize("parts", [1, 3])
    def test_in_a_jpeg_it_may_come_in_parts(self, picture: RgbImage, space: str, parts: int) -> None:
        file = saved(Image.fromarray(copy_in(space, picture)), "JPEG", quality=100, subsampling=0)
        profile, length = screen(space), -(-len(screen(space)) // parts)
        segments = [
            jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([at + 1, parts]) + profile[at * length : (at + 1) * length])
            for at in range(parts)
        ]
        read = decode_picture(file[:2] + b"".join(reversed(segments)) + file[2:], LIMIT)
        assert np.abs(read.astype(int) - picture).mean() < 2

    def test_png_may_say_it_in_numbers(self, picture: RgbImage, space: str) -> None:
        primaries, exponent = SPACES[space]
        if exponent is None:
            cicp = png_chunk(b"cICP", bytes([12, 13, 0, 1]))
            assert largest_difference(tagged(copy_in(space, picture), cicp), picture) <= 3
            return
        gamma = png_chunk(b"gAMA", struct.pack(">I", round(100_000 / exponent)))
        numbers = png_chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in primaries)))
        assert largest_difference(tagged(copy_in(space, picture), gamma + numbers), picture) <= TOLERANCES.get(space, 3)

    def test_what_can_be_seen_through_is_turned_and_then_laid_on_white(self, picture: RgbImage, space: str) -> None:
        clear = Image.fromarray(copy_in(space, picture)).convert("RGBA")
        clear.paste((0, 0, 0, 0), (0, 0, 10, 10))
        read = decode_picture(saved(clear, "PNG", icc_profile=screen(space)), LIMIT)
        assert (read[:10, :10] == 255).all()
        assert np.abs(read[10:].astype(int) - picture[10:]).max() <= TOLERANCES.get(space, 3)


def tagged(picture: RgbImage, chunks: bytes) -> bytes:
    file = saved(Image.fromarray(picture), "PNG")
    return file[:33] + chunks + file[33:]


def bmp_with_profile(picture: Image.Image, profile: bytes) -> bytes:
    """Of version 5, with the profile behind the pixels."""
    pixels = saved(picture, "BMP")[54:]
    header = struct.pack("<IiiHHIIiiII", 124, *picture.size, 1, 24, 0, len(pixels), 0, 0, 0, 0) + bytes(16) + b"DEBM"
    header = header.ljust(112, b"\0") + struct.pack("<II", 124 + len(pixels), len(profile)) + bytes(4)
    return b"BM" + struct.pack("<IHHI", 138 + len(pixels) + len(profile), 0, 0, 138) + header + pixels + profile


class TestSrgb:
    @pytest.mark.parametrize(
        "chunks",
        [
            png_chunk(b"sRGB", b"\0"),
            png_chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB)),
            png_chunk(b"cICP", bytes([1, 13, 0, 1])),
            png_chunk(b"gAMA", struct.pack(">I", 45_455)),
            png_chunk(b"gAMA", struct.pack(">I", 45_455))
            + png_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
            # sRGB says more than the numbers beside it.
            png_chunk(b"sRGB", b"\0") + png_chunk(b"gAMA", struct.pack(">I", 100_000)),
        ],
        ids=["sRGB", "iCCP", "cICP", "gAMA", "gAMA and cHRM", "sRGB and gAMA"],
    )
    def test_a_png_that_says_srgb_is_bit_for_bit_as_one_that_says_nothing(
        self, picture: RgbImage, chunks: bytes
    ) -> None:
        assert largest_difference(tagged(picture, chunks), picture) == 0

    @pytest.mark.parametrize(("file_format", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("WEBP", "RGB"), ("PNG", "LA")])
    def test_so_are_other_files_with_its_profile(self, picture: RgbImage, file_format: str, mode: str) -> None:
        image = Image.fromarray(picture).convert(mode)
        plain = decode_picture(saved(image, file_format), LIMIT)
        assert largest_difference(saved(image, file_format, icc_profile=SRGB), plain) == 0


class TestOtherSpaces:
    @pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
    def test_a_grey_picture_has_a_grey_profile(self, picture: RgbImage, file_format: str) -> None:
        grey = np.asarray(Image.fromarray(picture).convert("L"))
        light = np.rint(light_of(grey / 255) * 255).astype(np.uint8)
        read = decode_picture(
            saved(Image.fromarray(light), file_format, quality=100, icc_profile=GREY_OF_GAMMA_1), LIMIT
        )
        assert np.abs(read.astype(int) - grey[..., None])[grey > 60].max() <= (3 if file_format == "PNG" else 6)

    def test_sixteen_bits_are_turned_too(self, picture: RgbImage) -> None:
        light = np.rint(light_of(picture / 255) * 65535).astype(">u2")
        rows = b"".join(b"\0" + row.tobytes() for row in light)
        gamma = png_chunk(b"gAMA", struct.pack(">I", 100_000))
        file = png(96, 72, 16, RGB, rows, extra=gamma)
        assert np.abs(decode_picture(file, LIMIT).astype(int) - picture)[picture > 60].max() <= 3

    def test_a_press_has_its_white_and_its_black(self) -> None:
        inks = Image.new("CMYK", (96, 32))
        inks.paste((0, 0, 0, 255), (32, 0, 64, 32))
        inks.paste((128, 0, 0, 0), (64, 0, 96, 32))
        read = decode_picture(saved(inks, "JPEG", quality=100, subsampling=0, icc_profile=press()), LIMIT)
        assert read[16, 16].min() >= 252
        assert read[16, 48].max() <= 8
        # Half of the light is 188 of 255, and not half of the levels.
        assert np.abs(read[16, 80].astype(int) - (188, 255, 255)).max() <= 5
        assert decode_picture(saved(inks, "JPEG", quality=100), LIMIT)[16, 80, 0] < 130

    @pytest.mark.parametrize(
        ("transfer", "white"),
        # 203 cd/m2: 58 % of PQ and 75 % of HLG (ITU-R BT.2408).
        [(16, 0.5807), (18, 0.75)],
        ids=["PQ", "HLG"],
    )
    def test_reference_white_of_a_bright_picture_is_white_and_what_is_brighter_too(
        self, transfer: int, white: float
    ) -> None:
        levels = np.repeat(np.rint(np.array([0, white / 2, white, 1]) * 65535).astype(">u2"), 24)
        rows = b"".join(b"\0" + np.repeat(levels[:, None], 3, axis=1).tobytes() for _ in range(32))
        read = decode_picture(png(96, 32, 16, RGB, rows, extra=png_chunk(b"cICP", bytes([9, transfer, 0, 1]))), LIMIT)
        assert read[16, 10].max() == 0
        assert 20 < read[16, 30].max() < 200
        assert read[16, 60].min() >= 252
        assert read[16, 90].min() == 255


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "text": b"no profile at all" * 20,
    "half of one": screen("ProPhoto")[:200],
    "no tags": profile_of([]),
    "a hundred thousand tags": screen("ProPhoto")[:128] + struct.pack(">I", 100_000) + screen("ProPhoto")[132:],
    "grey for colours": GREY_OF_GAMMA_1,
    "a press for colours": press(),
    "Lab": ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(),
    "a link of devices": screen("ProPhoto").replace(b"mntr", b"link", 1),
    "named colours": screen("ProPhoto").replace(b"mntr", b"nmcl", 1),
    "too large": screen("ProPhoto").ljust(5_000_000, b"\0"),
}


class TestBrokenProfiles:
    @pytest.mark.parametrize("kind", BROKEN)
    @pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
    def test_they_are_as_if_they_were_not_there(self, picture: RgbImage, file_format: str, kind: str) -> None:
        plain = decode_picture(saved(Image.fromarray(picture), file_format), LIMIT)
        file = saved(Image.fromarray(picture), file_format, icc_profile=BROKEN[kind])
        assert largest_difference(file, plain) == 0

    @pytest.mark.parametrize(
        "chunk",
        [
            png_chunk(b"iCCP", b"bomb\0\0" + zlib.compress(bytes(50_000_000))),
            png_chunk(b"iCCP", b"name\0\0" + zlib.compress(screen("ProPhoto"))[:-9]),
            png_chunk(b"iCCP", b"n" * 90 + b"\0\0" + zlib.compress(screen("ProPhoto"))),
            png_chunk(b"gAMA", b"\0\0\0\0"),
            png_chunk(b"gAMA", b"\0\0\0\1"),
            png_chunk(b"gAMA", struct.pack(">I", 50_000)) + png_chunk(b"cHRM", bytes(32)),
            png_chunk(b"gAMA", struct.pack(">I", 50_000)) + png_chunk(b"cHRM", struct.pack(">8I", *[33_333] * 8)),
            png_chunk(b"cICP", bytes([2, 2, 0, 1])),
            png_chunk(b"cICP", bytes([9, 16, 1, 0])),
        ],
    )
    def test_so_are_chunks_that_make_no_sense(self, picture: RgbImage, chunk: bytes) -> None:
        assert largest_difference(tagged(picture, chunk), picture) == 0

    def test_chains_of_steps_without_end_are_not_even_shown_to_littlecms(self, picture: RgbImage) -> None:
        steps = b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, 60_000) + bytes(480_000)
        profile = screen("gamma 1.0")
        chained = profile_of([(b"D2B0", steps), (b"A2B0", steps), *tags_of(profile)])
        copy = copy_in("gamma 1.0", picture)
        assert largest_difference(saved(Image.fromarray(copy), "PNG", icc_profile=chained), picture) <= 7


def tags_of(profile: bytes) -> list[tuple[bytes, bytes]]:
    count = int.from_bytes(profile[128:132], "big")
    entries = [struct.unpack_from(">4sII", profile, 132 + 12 * at) for at in range(count)]
    return [(name, profile[start : start + size]) for name, start, size in entries]


def test_what_was_made_of_a_profile_is_kept_and_shared_by_threads(picture: RgbImage) -> None:
    files = [saved(Image.fromarray(copy_in(space, picture)), "PNG", icc_profile=screen(space)) for space in SPACES] * 8
    alone = [decode_picture(file, LIMIT) for file in files]
    together = threading.Barrier(8)

    def decode(file: bytes) -> RgbImage:
        together.wait(30)
        return decode_picture(file, LIMIT)

    with ThreadPoolExecutor(8) as threads:
        assert all(map(np.array_equal, alone, threads.map(decode, files)))
    profile = screen("Adobe RGB")
    declared = DeclaredColour(icc=((0, len(profile)),))
    assert transform_to_srgb(profile, declared, "RGB") is transform_to_srgb(bytes(bytearray(profile)), declared, "RGB")


def test_a_photo_in_display_p3_has_the_colours_of_its_original() -> None:
    """The astronaut, whose copy was made by someone else."""
    inputs = PROJECT_ROOT.parent / "shared" / "faults" / "inputs"
    if not inputs.exists():
        pytest.skip("../shared/faults is not here")
    original = decode_picture((inputs / "png_text_chunk_bad_crc.png").read_bytes(), LIMIT)
    assert largest_difference((inputs / "astronaut_P3.png").read_bytes(), original) <= 3
