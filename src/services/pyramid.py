"""One picture at the sizes that detectors want."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import RgbImage
from src.utils.preprocessing import resize

GreyImage: TypeAlias = npt.NDArray[np.uint8]
"""Height x width, 0-255."""


class Pyramid:
    """Makes each size when it is first asked for, once. Not safe to share between threads."""

    def __init__(self, picture: RgbImage, working_side: int) -> None:
        """Landmarks are placed at `working_side`, the longest side in pixels: of larger pictures, smaller sizes are
        made from that one.
        """
        self._picture = picture
        self._levels: dict[int, RgbImage] = {}
        self._grey_levels: dict[int, GreyImage] = {}
        self.working_side = working_side
        self.longest_side = max(picture.shape[:2])

    def at(self, side: int) -> RgbImage:
        """The picture with its longest side at `side` pixels."""
        if side not in self._levels:
            source = self._source(side)
            factor = side / max(source.shape[:2])
            height, width = (max(1, round(length * factor)) for length in source.shape[:2])
            self._levels[side] = resize(source, width, height)
        return self._levels[side]

    def roughly_at(self, side: int) -> RgbImage:
        """The same, between halves of the working size a little less finely averaged, but cheap."""
        base = self._base(side)
        larger = self.at(base)
        if base == side:
            return larger
        height, width = (max(1, round(length * side / base)) for length in larger.shape[:2])
        return np.asarray(cv2.resize(larger, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)

    def grey(self, side: int) -> GreyImage:
        """What `roughly_at` gives, in grey, 0-255."""
        if side not in self._grey_levels:
            base = self._base(side)
            if base == side:
                grey = cv2.cvtColor(self.at(side), cv2.COLOR_RGB2GRAY)
            else:
                larger = self.grey(base)
                height, width = (max(1, round(length * side / base)) for length in larger.shape)
                grey = cv2.resize(larger, (width, height), interpolation=cv2.INTER_LINEAR)
            self._grey_levels[side] = np.asarray(grey, dtype=np.uint8)
        return self._grey_levels[side]

    def _base(self, side: int) -> int:
        """The nearest size from which `side` is made: halving averages exactly, and costs a tenth of other factors."""
        base = max(self.working_side, side)
        while base % 2 == 0 and base // 2 >= side:
            base //= 2
        return base

    def _source(self, side: int) -> RgbImage:
        # Shrinking what has been shrunk already is many times cheaper than shrinking a large photo again. But a small
        # picture is not enlarged to the working size for a search that may find nothing to place landmarks on.
        if side < self.working_side <= self.longest_side:
            return self.at(self.working_side)
        return self._picture
