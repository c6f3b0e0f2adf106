"""Colours as a file declares them, to sRGB (IEC 61966-2-1), which is what everything behind the codec takes them for.

ICC profiles and PNG's own declarations go one way: PNG's become small profiles, and LittleCMS turns them all. The
intent is relative colorimetric with black point compensation: colours that sRGB has stay what they are, white is white,
and the black of a press is black and not grey. For profiles of screens and cameras browsers give the same.
"""

from __future__ import annotations

import hashlib
import io
import struct
import threading
import zlib
from collections import OrderedDict

import numpy as np
from PIL import Image, ImageCms

from src.core.types import Floats
from src.utils.picture_parts import DeclaredColour

MOST_PROFILE_BYTES = 4 * 1024 * 1024
"""Profiles of presses, the largest there are, have up to 3 MB."""

CACHED_TRANSFORMS = 8
_MOST_TAGS = 100
# A profile that moves no colour by more is one of the many that mean sRGB and round it in their own way.
_SAME_LEVELS = 3
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
# Of each space: Pillow's mode that goes into its transforms.
_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_CLASSES = (b"scnr", b"mntr", b"prtr", b"spac")
_CONNECTIONS = (b"XYZ ", b"Lab ")
# What LittleCMS is given of a profile: primaries, curves, tables. Not what can make it compute without end: chains of
# any number of steps, in D2B tags or of the type mpet.
# The way back, B2A0, tells the black of a press.
_TAGS = frozenset(
    (b"wtpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"A2B0", b"A2B1", b"B2A0")
)
_TYPES = frozenset((b"XYZ ", b"sf32", b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"mBA "))

# ITU-T H.273, table 2: x and y of white, red, green and blue.
_D65 = (0.3127, 0.3290)
_BT_709 = (*_D65, 0.640, 0.330, 0.300, 0.600, 0.150, 0.060)
_SMPTE_C = (*_D65, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070)
_PRIMARIES = {
    1: _BT_709,
    5: (*_D65, 0.640, 0.330, 0.290, 0.600, 0.150, 0.060),
    6: _SMPTE_C,
    7: _SMPTE_C,
    9: (*_D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    12: (*_D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
# Table 3. Still pictures that name the curve of BT.709's cameras are shown with that of sRGB.
_SRGB_CURVES = (1, 6, 13, 14, 15)
_EXPONENTS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18
# The white of sRGB in a picture of more brightness, in cd/m2 (ITU-R BT.2408). What is brighter is white.
_REFERENCE_WHITE = 203.0
_CURVE_POINTS = 4096
# PNG's 1 / 2.2, which stands for sRGB, and how near is the same (libpng's 5 %).
_USUAL_GAMMA = 45_455
_SAME_GAMMA = 0.05
_PNG_UNIT = 100_000
_SAME_CHROMATICITY = 0.001
# From the white of a picture to that of profiles: Bradford's matrix, and D50 (ICC.1:2022, annex E).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])

_PROFILE_ERRORS = (OSError, ValueError, TypeError, ImageCms.PyCMSError)


class _Transforms:
    """The last few, by what they were made of. Safe to use from many threads, as LittleCMS's transforms are."""

    def __init__(self) -> None:
        self._srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        self._known: OrderedDict[bytes, ImageCms.ImageCmsTransform | None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, profile: bytes) -> ImageCms.ImageCmsTransform | None:
        """To sRGB; None where the profile means sRGB, or nothing that LittleCMS knows."""
        key = hashlib.sha256(profile).digest()
        with self._lock:
            if key not in self._known:
                self._known[key] = self._made_of(profile)
            self._known.move_to_end(key)
            while len(self._known) > CACHED_TRANSFORMS:
                self._known.popitem(last=False)
            return self._known[key]

    def _made_of(self, profile: bytes) -> ImageCms.ImageCmsTransform | None:
        mode = _MODES[profile[16:20]]
        try:
            opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            transform = ImageCms.ImageCmsTransform(
                opened, self._srgb, mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=_FLAGS
            )
            return None if _is_srgb(transform) else transform
        except _PROFILE_ERRORS:
            return None


_transforms = _Transforms()


def transform_to_srgb(data: bytes, declared: DeclaredColour, space: str) -> ImageCms.ImageCmsTransform | None:
    """What turns the file's colours into sRGB; None where they are, and where what it declares makes no sense.

    Args:
        data: the file.
        declared: what it says of its colours.
        space: of its samples: "RGB", "GRAY" or "CMYK". A profile of RGB also fits grey ones.

    Returns:
        What takes pictures of Pillow's mode `input_mode` and gives RGB.
    """
    profile = _profile_of(data, declared, space)
    return _transforms.of(profile) if profile else None


def _profile_of(data: bytes, declared: DeclaredColour, space: str) -> bytes:
    """The first declaration that makes sense, in the order of PNG's third edition; nothing if none does."""
    fitting = {"RGB": (b"RGB ",), "GRAY": (b"GRAY", b"RGB "), "CMYK": (b"CMYK",)}[space]
    if declared.cicp is not None:
        curve = _curve_of(declared.cicp[1])
        primaries = _PRIMARIES.get(declared.cicp[0])
        if curve is not None and primaries is not None:
            return _matrix_profile(primaries, curve)
    profile = _needed_of(_icc_of(data, declared)) if declared.icc else b""
    if profile[16:20] in fitting:
        return profile
    return b"" if declared.gamma is None else _gamma_profile(declared.gamma, declared.chromaticities)


def _is_srgb(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it leaves all colours as they are, by trying some of them all over the cube, more in the dark."""
    if transform.input_mode == "CMYK":
        return False
    levels = np.array([0, 4, 10, 20, 40, 70, 110, 160, 210, 255], np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    if transform.input_mode == "L":
        colours = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    turned = np.asarray(transform.apply(Image.fromarray(colours).convert(transform.input_mode)))
    return int(np.abs(turned.astype(int) - colours).max()) <= _SAME_LEVELS


def _icc_of(data: bytes, declared: DeclaredColour) -> bytes:
    """The profile as a whole; nothing where it is too large or damaged."""
    view = memoryview(data)
    if sum(end - start for start, end in declared.icc) > MOST_PROFILE_BYTES:
        return b""
    joined = b"".join(view[start:end] for start, end in declared.icc)
    if not declared.is_deflated:
        return joined
    try:
        unpacker = zlib.decompressobj()
        profile = unpacker.decompress(joined, MOST_PROFILE_BYTES)
    except zlib.error:
        return b""
    return profile if unpacker.eof else b""


def _needed_of(profile: bytes) -> bytes:
    """A profile of what colours need (ICC.1:2022, chapter 7); nothing where it is damaged or of another kind."""
    if len(profile) < 132 or profile[36:40] != b"acsp" or profile[16:20] not in _MODES:
        return b""
    tags = int.from_bytes(profile[128:132], "big")
    if profile[12:16] not in _CLASSES or profile[20:24] not in _CONNECTIONS or tags > _MOST_TAGS:
        return b""
    kept: list[tuple[bytes, int, int]] = []
    contents: dict[tuple[int, int], int] = {}
    body = b""
    for place in range(132, min(132 + 12 * tags, len(profile) - 11), 12):
        kind, start, size = struct.unpack_from(">4sII", profile, place)
        is_needed = kind in _TAGS and kind not in (tag[0] for tag in kept)
        if not is_needed or profile[start : start + 4] not in _TYPES or start + size > len(profile):
            continue
        # Tags may share what they say.
        if (start, size) not in contents:
            contents[start, size] = len(body)
            body += profile[start : start + size] + bytes(-size % 4)
        kept.append((kind, contents[start, size], size))
        if len(body) > MOST_PROFILE_BYTES:
            return b""
    first = 132 + 12 * len(kept)
    table = b"".join(struct.pack(">4sII", kind, first + at, size) for kind, at, size in kept)
    header = struct.pack(">I", first + len(body)) + profile[4:84] + bytes(16) + bytes(28)
    return header + struct.pack(">I", len(kept)) + table + body


def _gamma_profile(gamma: int, chromaticities: tuple[int, ...] | None) -> bytes:
    """Of PNG's gAMA and cHRM; nothing where they mean sRGB or make no sense."""
    primaries = _BT_709 if chromaticities is None else tuple(value / _PNG_UNIT for value in chromaticities)
    is_usual = abs(gamma / _USUAL_GAMMA - 1) < _SAME_GAMMA
    if is_usual and np.allclose(primaries, _BT_709, rtol=0, atol=_SAME_CHROMATICITY):
        return b""
    if not 0.1 <= gamma / _PNG_UNIT <= 10:
        return b""
    return _matrix_profile(primaries, _power(_PNG_UNIT / gamma))


def _curve_of(transfer: int) -> bytes | None:
    """From samples to light, of a transfer characteristic of H.273; None of those that are of no use in pictures."""
    if transfer in _SRGB_CURVES:
        # ICC.1:2022, section 10.18: the exponent, and the straight piece in the dark.
        return struct.pack(
            ">4sIHH5i", b"para", 0, 3, 0, *map(_fixed, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
        )
    if transfer in _EXPONENTS:
        return _power(_EXPONENTS[transfer])
    samples = np.linspace(0, 1, _CURVE_POINTS)
    if transfer == _PQ:
        # SMPTE ST 2084, in cd/m2.
        power = samples ** (32 / 2523)
        light = 10_000 * (np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power)) ** (8192 / 1305)
    elif transfer == _HLG:
        # ITU-R BT.2100: the light of the scene, shown on a screen of 1,000 cd/m2, each colour by itself.
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = 1000 * np.where(samples <= 0.5, samples**2 / 3, (np.exp((samples - c) / a) + b) / 12) ** 1.2
    else:
        return None
    points: bytes = np.rint((light / _REFERENCE_WHITE).clip(0, 1) * 65535).astype(">u2").tobytes()
    return struct.pack(">4sII", b"curv", 0, _CURVE_POINTS) + points


def _power(exponent: float) -> bytes:
    return struct.pack(">4sIHHi", b"para", 0, 0, 0, _fixed(exponent))


def _matrix_profile(primaries: tuple[float, ...], curve: bytes) -> bytes:
    """An ICC profile of a screen with these primaries; nothing where there is no such screen."""
    x, y = np.array(primaries[0::2]), np.array(primaries[1::2])
    if (y <= 0).any() or (x + y > 1).any():
        return b""
    light = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    try:
        scaled = light[:, 1:] * np.linalg.solve(light[:, 1:], light[:, 0])
    except np.linalg.LinAlgError:
        return b""
    adapted = _adaptation(light[:, 0]) @ scaled
    if not np.isfinite(adapted).all() or np.abs(adapted).max() > 10:
        return b""
    body, table = b"", b""
    contents = [(b"wtpt", _xyz(_D50))]
    contents += [(name, _xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), adapted.T, strict=True)]
    contents += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    first = 132 + 12 * len(contents)
    for name, content in contents:
        table += struct.pack(">4sII", name, first + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s", first + len(body), b"", 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"", b"acsp"
    )
    illuminant = struct.pack(">3i", *map(_fixed, _D50))
    return header.ljust(68, b"\0") + illuminant + bytes(48) + struct.pack(">I", len(contents)) + table + body


def _adaptation(white: Floats) -> Floats:
    cones = _BRADFORD @ _D50 / (_BRADFORD @ white)
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD)


def _xyz(values: Floats) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *map(_fixed, values))


def _fixed(value: float) -> int:
    """As ICC's s15Fixed16Number."""
    return round(value * 65536)
