"""The pixels of ordinary PNG files, while other threads go on."""

from __future__ import annotations

import cv2
import numpy as np

from src.core.types import RgbImage

_OPAQUE = 255


def decode_sound_png(data: bytes, width: int, height: int) -> RgbImage | None:
    """The picture as stored, RGB uint8 HxWx3; `None` where another decoder has to judge.

    OpenCV's libpng takes as long as Pillow's, but lets go of Python's lock meanwhile: with Pillow's, two threads decode
    no faster than one, and nobody is answered until a large picture is done. Damage, files that are cut off, pictures
    that can be seen through, and samples of 16 bits are left to the other decoder.

    Args:
        data: a PNG file in colour, with or without alpha.
        width: of the picture in pixels, as its header was read when its size was checked.
        height: likewise.
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
