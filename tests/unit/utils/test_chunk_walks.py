"""PNG, WebP and BMP are walked chunk by chunk; what pixels do not need goes, damaged or not."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lab.chaos.mutated_pictures import png_chunk, seed_pictures
from src.core.errors import NotAPicture, UnsupportedPicture
from src.utils.chunk_walks import walk_bmp, walk_png, walk_webp
from src.utils.image_codec import decode_picture
from tests.unit.utils.picture_files import GREY, LIMIT, PNG_SIGNATURE, png, saved

PNG, WEBP, BMP = (seed_pictures()[kind] for kind in ("PNG in colour", "WebP", "BMP in colour"))
SEE_THROUGH = seed_pictures()["WebP without loss"]


def same_pixels(file: bytes, original: bytes) -> bool:
    return np.array_equal(decode_picture(file, LIMIT), decode_picture(original, LIMIT))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    packed = b"".join(k + struct.pack("<I", len(c)) + c + bytes(len(c) % 2) for k, c in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(packed)) + b"WEBP" + packed


class TestPng:
    @pytest.mark.parametrize(
        "beside",
        [
            png_chunk(b"tEXt", b"Comment\0hello")[:-1] + b"?",
            png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(9)))[:-4] + bytes(4),
            png_chunk(b"gAMA", b"\0\0\0\1") * 1000,
            png_chunk(b"zTXt", b"bomb\0\0" + zlib.compress(bytes(30_000_000))),
            png_chunk(b"pHYs", b""),
            png_chunk(b"sBIT", bytes(300)),
            png_chunk(b"tRNS", b"\1"),
            png_chunk(b"acTL", struct.pack(">II", 1, 0)),
            png_chunk(b"acTL", struct.pack(">II", 9, 0))[:-4] + bytes(4),
            png_chunk(b"eXIf", b"II*\0"),
        ],
        ids=lambda beside: f"{beside[4:8].decode()} of {len(beside)}",
    )
    def test_what_pixels_do_not_need_goes_whatever_it_holds(self, beside: bytes) -> None:
        file = PNG[:33] + beside + PNG[33:]
        assert walk_png(file).needed_of(file) == walk_png(PNG).needed_of(PNG)
        assert same_pixels(file, PNG)

    def test_nothing_behind_the_pixels_is_missed(self) -> None:
        assert PNG.endswith(png_chunk(b"IEND", b""))
        for end in (b"", b"\0\0", b"\0\0\0\5tE", b"\xff\xff\xff\xfftEXt", b"\0\0\0\0\1\2\3\4" * 5):
            assert same_pixels(PNG[:-12] + end, PNG)

    @pytest.mark.parametrize("size", [1, 7, 100, 1000])
    def test_idat_of_any_size_are_one_stream(self, size: int) -> None:
        header, stream = PNG[:33], zlib.compress(zlib.decompress(PNG[41:-16]))
        idat = b"".join(png_chunk(b"IDAT", stream[at : at + size]) for at in range(0, len(stream), size))
        assert same_pixels(header + idat + PNG[-12:], PNG)
        assert same_pixels(header + png_chunk(b"IDAT", b"") + idat + PNG[-12:], PNG)

    def test_an_animation_is_refused_and_one_of_a_single_picture_is_not(self) -> None:
        control = png_chunk(b"acTL", struct.pack(">II", 2, 0))
        with pytest.raises(UnsupportedPicture, match="animated"):
            walk_png(PNG[:33] + control + PNG[33:])

    @pytest.mark.parametrize(
        ("width", "depth", "colour_type"), [(0, 8, 2), (40, 3, 0), (40, 16, 3), (40, 4, 2), (40, 8, 1), (40, 8, 7)]
    )
    def test_a_header_that_the_standard_does_not_know_is_damaged(
        self, width: int, depth: int, colour_type: int
    ) -> None:
        with pytest.raises(NotAPicture, match="damaged"):
            walk_png(png(width, 40, depth, colour_type, bytes(100)))

    def test_what_pixels_need_has_to_be_sound(self) -> None:
        palette = seed_pictures()["PNG with a palette"]
        at = palette.index(b"PLTE")
        for file in (
            PNG[:20] + b"\1" + PNG[21:],
            PNG[:60] + bytes([PNG[60] ^ 1]) + PNG[61:],
            palette[: at + 5] + bytes([palette[at + 5] ^ 1]) + palette[at + 6 :],
            PNG_SIGNATURE + png_chunk(b"IDAT", b"") + PNG[8:],
            PNG[:33] + b"\0\0\0\1\0\0\0\0\0" + PNG[33:],
        ):
            with pytest.raises(NotAPicture, match="damaged"):
                decode_picture(file, LIMIT)
        with pytest.raises(UnsupportedPicture, match="iOS"):
            walk_png(PNG_SIGNATURE + png_chunk(b"CgBI", bytes(4)) + PNG[8:])

    def test_idat_that_stand_apart_belong_to_nothing(self) -> None:
        behind = png_chunk(b"tEXt", b"a\0b") + png_chunk(b"IDAT", b"something else")
        assert same_pixels(PNG[:-12] + behind + PNG[-12:], PNG)


class TestWebp:
    def test_what_pixels_do_not_need_goes(self) -> None:
        chunk = b"VP8 ", WEBP[20:]
        canvas = struct.pack("<IHBHB", 0x2C, 55, 0, 39, 0)
        file = riff((b"VP8X", canvas), (b"ICCP", bytes(99)), (b"????", bytes(501)), chunk, (b"XMP ", b"<x/>"))
        assert walk_webp(file).needed_of(file) == riff(chunk)
        assert same_pixels(file, WEBP)
        assert same_pixels(file + b"whatever lies behind", WEBP)

    def test_what_can_be_seen_through_stays_so(self) -> None:
        file = saved(Image.new("RGBA", (40, 40), (255, 0, 0, 128)), "WEBP", quality=90, exif=b"Exif\0\0II*\0")
        assert b"ALPH" in file
        assert np.abs(decode_picture(file, LIMIT).astype(int) - (255, 127, 127)).max() <= 3
        assert same_pixels(riff((b"VP8L", SEE_THROUGH[20:])), SEE_THROUGH)

    def test_transparency_that_the_file_does_not_announce_is_passed_over(self) -> None:
        file = saved(Image.new("RGBA", (40, 40), (255, 0, 0, 128)), "WEBP", quality=90)
        chunks = file[file.index(b"ALPH") :]
        for opening in (riff((b"VP8X", struct.pack("<IHBHB", 0, 39, 0, 39, 0))), riff()):
            unannounced = opening[:4] + struct.pack("<I", len(opening) - 8 + len(chunks)) + opening[8:] + chunks
            assert np.abs(decode_picture(unannounced, LIMIT).astype(int) - (255, 0, 0)).max() <= 3

    def test_an_animation_is_refused_and_one_of_a_single_picture_is_not(self) -> None:
        canvas = struct.pack("<IHBHB", 2, 55, 0, 39, 0)
        frame = b"ANMF", bytes(6) + struct.pack("<HBHB", 55, 0, 39, 0) + bytes(4) + WEBP[12:]
        assert same_pixels(riff((b"VP8X", canvas), (b"ANIM", bytes(6)), frame), WEBP)
        with pytest.raises(UnsupportedPicture, match="animated"):
            walk_webp(riff((b"VP8X", canvas), (b"ANIM", bytes(6)), frame, frame))

    @pytest.mark.parametrize("kind", ["WebP", "WebP without loss"])
    def test_a_canvas_of_another_size_than_its_picture_is_damaged(self, kind: str) -> None:
        file = seed_pictures()[kind]
        chunk = file[12:16], file[20:]
        with pytest.raises(NotAPicture, match="damaged"):
            walk_webp(riff((b"VP8X", struct.pack("<IHBHB", 0, 9_999, 0, 39, 0)), chunk))

    def test_a_picture_that_is_not_whole_is_cut_off(self) -> None:
        for length in range(12, len(WEBP) - 1, 9):
            with pytest.raises(NotAPicture, match="cut off"):
                walk_webp(WEBP[:length])


def bmp(header: bytes, pixels: bytes, palette: bytes = b"") -> bytes:
    offset = 14 + len(header) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def info(width: int, height: int, bits: int, compression: int = 0, size: int = 40) -> bytes:
    return struct.pack("<IiiHHIIiiII", size, width, height, 1, bits, compression, 0, 0, 0, 0, 0).ljust(size, b"\0")


class TestBmp:
    @pytest.mark.parametrize("size", [40, 108, 124])
    @pytest.mark.parametrize("height", [40, -40])
    def test_rows_may_go_up_or_down_under_headers_of_all_versions(self, size: int, height: int) -> None:
        rows = np.random.default_rng(0).integers(0, 256, (40, 36, 3), dtype=np.uint8)
        upright = rows if height < 0 else rows[::-1]
        picture = decode_picture(bmp(info(36, height, 24, size=size), rows.tobytes()), LIMIT)
        assert np.array_equal(picture, upright[..., ::-1])

    def test_the_header_of_os2_and_palettes_are_read(self) -> None:
        core = struct.pack("<IHHHH", 12, 40, 32, 1, 1)
        assert decode_picture(bmp(core, bytes(8 * 32), b"\1\2\3\4\5\6"), LIMIT)[0, 0].tolist() == [3, 2, 1]
        palette = bytes([10, 20, 30, 0]) * 16
        assert decode_picture(bmp(info(40, 32, 4), bytes(20 * 32), palette), LIMIT)[0, 0].tolist() == [30, 20, 10]

    def test_samples_of_16_and_32_bits_are_read(self) -> None:
        masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
        red = bmp(info(32, 32, 16, 3) + masks, b"\0\xf8" * 1024)
        assert decode_picture(red, LIMIT)[5, 5].tolist() == [255, 0, 0]
        assert decode_picture(bmp(info(32, 32, 32), b"\1\2\3\0" * 1024), LIMIT)[5, 5].tolist() == [3, 2, 1]

    @pytest.mark.parametrize(
        ("compression", "name"),
        [(1, "a compressed BMP"), (2, "a compressed BMP"), (4, "a JPEG in it"), (5, "a PNG in it"), (9, "a rare kind")],
    )
    def test_what_is_compressed_is_refused_by_name(self, compression: int, name: str) -> None:
        with pytest.raises(UnsupportedPicture, match=name):
            walk_bmp(bmp(info(1_250_000, 32, 8, compression), b"\1\x80\0\0" * 32, bytes(1024)))

    def test_masks_that_nobody_uses_are_a_rare_kind(self) -> None:
        with pytest.raises(UnsupportedPicture, match="a rare kind of BMP"):
            decode_picture(bmp(info(32, 32, 16, 3) + struct.pack("<III", 1, 2, 4), bytes(2048)), LIMIT)

    def test_a_file_too_short_for_its_pixels_is_cut_off(self) -> None:
        assert len(decode_picture(BMP, LIMIT)) == 40
        for length in (26, 53, 54, 60, len(BMP) - 1):
            with pytest.raises(NotAPicture, match="cut off"):
                decode_picture(BMP[:length], LIMIT)

    def test_sizes_and_places_that_make_no_sense_are_damage(self) -> None:
        for file in (
            bmp(info(0, 40, 24), bytes(99)),
            bmp(info(-40, 40, 24), bytes(99)),
            bmp(info(40, 0, 24), bytes(99)),
            BMP[:10] + struct.pack("<I", 20) + BMP[14:],
            BMP[:14] + struct.pack("<I", 41) + BMP[18:],
        ):
            with pytest.raises(NotAPicture, match="damaged"):
                walk_bmp(file)


def test_a_grey_png_is_grey() -> None:
    assert walk_png(png(32, 32, 8, GREY, bytes(33 * 32))).space == "GRAY"
    assert walk_png(PNG).space == walk_webp(WEBP).space == walk_bmp(BMP).space == "RGB"
