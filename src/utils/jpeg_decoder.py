"""The pixels of ordinary JPEG files, straight into an array."""

from __future__ import annotations

import numpy as np
import simplejpeg  # type: ignore[import-untyped]

from src.core.types import RgbImage


def decode_sound_jpeg(data: bytes, width: int, height: int) -> RgbImage | None:
    """The picture as stored, RGB uint8 HxWx3; `None` where another decoder has to judge.

    It is the same libjpeg-turbo as Pillow's, with the same settings, and gives the same pixels, but without Pillow's
    copies. Anything that libjpeg-turbo so much as warns of is left to the other decoder: damage, a file that is cut
    off, rare subsampling.

    Args:
        data: a JPEG file in grey or colour; CMYK would come out in other colours than Pillow's. What lies behind its
            first picture does not matter.
        width: of the picture in pixels, as its header was read when its size was checked.
        height: likewise.
    """
    # A file that is larger than its checked header says does not fit, and is refused before it is decoded.
    pixels = np.empty((height, width, 3), np.uint8)
    try:
        decoded = simplejpeg.decode_jpeg(data, colorspace="RGB", buffer=pixels, strict=True)
    except ValueError:
        return None
    return pixels if decoded.shape == pixels.shape else None
