"""Imitates what cameras and cropping do to a picture on its way to the service, the same for every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Box, Floats, RgbImage
from src.services.eye_locator import eye_box
from src.utils import geometry
from src.utils.image_codec import decode_picture
from src.utils.preprocessing import to_network_input
from training.painting.blob import FloatMap, to_rgb

_PADDINGS_X = (10.0, 35.0)
_PADDINGS_Y = (15.0, 60.0)
"""Around the service's defaults of 20 and 40 pixels for a face 200 px wide."""
_RENDER_SIDE = 288
"""Squares are rendered a little larger than the network's input, so that the last step shrinks as in the service."""
_WHOLE_SHARE = 0.4
"""Of the photos that reach as far as their picture."""
_CUT_OFF_SHARE = 0.1
"""Of the others, on which more of the eye may be cut off than `_LEAST_OPENING` (0-1) leaves."""
_LEAST_OPENING = 0.6
_WINDOW_ATTEMPTS = 20
_BORDER_SHARE = 0.25
"""One origin consists of pictures turned by others, with white or smeared corners. Here some of every class get such
corners, so that they mean nothing."""
_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)


@dataclass(frozen=True, slots=True)
class Framing:
    """Which part of a picture is on the crop, and how it lies there.

    Attributes:
        to_picture: 2 x 3, leads from a pixel (x, y, 1) of the crop to a pixel of the picture.
        window: what of the picture is on the photo that is cut; the rest of the crop gets the mean colour, as in the
            service.
        border: OpenCV's way of filling what lies outside of the picture as if it were on the photo, with `grey` (0-255)
            where it is of one colour; None: it is not on the photo.
    """

    to_picture: npt.NDArray[np.float64]
    window: Box
    border: int | None = None
    grey: float = 0.0

    def apply(self, rgb: RgbImage) -> RgbImage:
        """The framed part, still larger than the network's input."""
        warped = cv2.warpAffine(
            rgb,
            self.to_picture,
            (_RENDER_SIDE, _RENDER_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE if self.border is None else self.border,
            borderValue=(self.grey, self.grey, self.grey),
        )
        framed: RgbImage = np.array(warped, dtype=np.uint8)
        seen = self._seen(*rgb.shape[:2])
        if seen.any():
            framed[~seen] = framed[seen].mean(axis=0).round()
        return framed

    def coverage(self, mask: npt.NDArray[np.bool_], places: int) -> FloatMap:
        """Which part (0-1) of each of places x places equal parts of the crop a mask of the picture covers."""
        seen = cv2.warpAffine(
            mask.astype(np.float32),
            self.to_picture,
            (_RENDER_SIDE, _RENDER_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        seen = np.where(self._seen(*mask.shape), seen, 0)
        return np.asarray(cv2.resize(seen, (places, places), interpolation=cv2.INTER_AREA), dtype=np.float32)

    def visible_share(self, mask: npt.NDArray[np.bool_]) -> float:
        """Which part (0-1) of the pixels of a mask, as large as the picture, is on the crop."""
        ys, xs = np.nonzero(mask)
        linear, offset = self.to_picture[:, :2], self.to_picture[:, 2]
        there = np.linalg.solve(linear, np.stack([xs, ys]) - offset[:, None])
        inside = ((there >= 0) & (there < _RENDER_SIDE)).all(axis=0)
        inside &= (xs >= self.window.x) & (xs < self.window.right) & (ys >= self.window.y) & (ys < self.window.bottom)
        return float(inside.mean()) if len(inside) else 0.0

    def _seen(self, height: int, width: int) -> npt.NDArray[np.bool_]:
        """Which pixels of the crop are on the photo."""
        ys, xs = np.mgrid[0:_RENDER_SIDE, 0:_RENDER_SIDE]
        x = self.to_picture[0, 0] * xs + self.to_picture[0, 1] * ys + self.to_picture[0, 2]
        y = self.to_picture[1, 0] * xs + self.to_picture[1, 1] * ys + self.to_picture[1, 2]
        window = self.window
        if self.border is not None:
            # As if the picture went on for ever, where the photo reaches as far as the picture.
            left, top = (-np.inf if edge <= 0 else edge for edge in (window.x, window.y))
            right = np.inf if window.right >= width else window.right
            bottom = np.inf if window.bottom >= height else window.bottom
        else:
            left, top, right, bottom = window.x, window.y, window.right, window.bottom
        return np.asarray((x > left - 0.5) & (x < right - 0.5) & (y > top - 0.5) & (y < bottom - 0.5), dtype=np.bool_)


def framing_of(box: Box, height: int, width: int) -> Framing:
    """The framing of a crop that is cut without any chance, from a picture of that size."""
    return Framing(_squeeze(box, 0.0, 1.0), Box(0, 0, width, height))


def draw_framing(outline: Floats, height: int, width: int, rng: np.random.Generator) -> Framing:
    """The crop that the service would cut around that eye from some photo of it, at random paddings.

    The photo shows some of the picture: people hold phones nearer or farther, and beside. The outline comes with the
    errors of a finder; the crop is stretched as by 4:3 cameras, turned, mirrored.
    """
    window = _draw_window(outline, height, width, rng)
    slipped = outline + rng.normal(0, 0.05, 2) * float(np.hypot(*(outline[3] - outline[0])))
    box, _share = eye_box(slipped, window, rng.uniform(*_PADDINGS_X), rng.uniform(*_PADDINGS_Y))
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    box = _stretched(box, stretch * np.exp(rng.normal(0, 0.08)), 1 / stretch)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    has_border = rng.random() < _BORDER_SHARE
    return Framing(
        to_picture=_squeeze(box, float(np.deg2rad(rng.normal(0, 6))), mirror),
        window=window,
        border=int(rng.choice(_BORDERS)) if has_border else None,
        grey=float(rng.choice([0.0, 128.0, 255.0])),
    )


def _draw_window(outline: Floats, height: int, width: int, rng: np.random.Generator) -> Box:
    whole = Box(0, 0, width, height)
    if rng.random() < _WHOLE_SHARE:
        return whole
    may_cut_off = rng.random() < _CUT_OFF_SHARE
    opening = geometry.box_around(outline)
    for _ in range(_WINDOW_ATTEMPTS):
        zoom = np.exp(rng.uniform(np.log(0.5), 0.0))
        stretch = np.exp(rng.uniform(-0.2, 0.2))
        window_width, window_height = min(width, width * zoom * stretch), min(height, height * zoom / stretch)
        window = Box(
            rng.uniform(0, width - window_width), rng.uniform(0, height - window_height), window_width, window_height
        )
        seen = geometry.overlap(opening, window)
        before = geometry.overlap(opening, whole)
        if seen is not None and before is not None and (may_cut_off or seen.area >= _LEAST_OPENING * before.area):
            return window
    return whole


def _stretched(box: Box, across: float, down: float) -> Box:
    width, height = box.width * across, box.height * down
    return Box(box.x - (width - box.width) / 2, box.y - (height - box.height) / 2, width, height)


def _squeeze(box: Box, angle: float, mirror: float) -> npt.NDArray[np.float64]:
    """From the square to the box, which is turned by `angle` around its centre."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror * box.width / _RENDER_SIDE, box.height / _RENDER_SIDE])
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2]) - 0.5
    offset = centre - linear @ np.full(2, (_RENDER_SIDE - 1) / 2)
    return np.hstack([linear, offset[:, None]])


def photograph(rgb: RgbImage, framing: Framing, side: int, rng: np.random.Generator) -> RgbImage:
    """The framed part of a picture, lit and degraded at random, as RGB uint8 side x side x 3."""
    lit = _light(framing.apply(rgb).astype(np.float32), rng)
    return to_network_input(_degrade(lit, rng), side)


def _light(picture: FloatMap, rng: np.random.Generator) -> FloatMap:
    """Exposure, contrast, colour cast, saturation, light from one side."""
    lit = 255 * (picture / 255) ** np.exp(rng.normal(0, 0.15))
    lit = lit * np.exp(rng.normal(-0.03, 0.14))
    lit = lit * np.exp(rng.normal(0, 0.035, size=3))
    lit = lit.mean() + (lit - lit.mean()) * rng.uniform(0.85, 1.15)
    grey = lit.mean(axis=2, keepdims=True)
    lit = grey + (lit - grey) * rng.uniform(0.8, 1.2)
    if rng.random() < 0.3:
        across = np.linspace(-1, 1, picture.shape[1])[None, :, None]
        lit = lit * (1 + rng.uniform(-0.4, 0.4) * across)
    return np.asarray(np.clip(lit, 0, 255), dtype=np.float32)


def _degrade(picture: FloatMap, rng: np.random.Generator) -> RgbImage:
    """Small, soft, noisy and compressed, as eyes in webcam frames are; many stay as good as they were."""
    side = picture.shape[0]
    image: Any = picture
    if rng.random() < 0.45:
        small = int(np.exp(rng.uniform(np.log(56), np.log(200))))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            image = image + rng.normal(0, rng.uniform(1, 8), image.shape).astype(np.float32)
        image = cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.25:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 2.2))
    if rng.random() < 0.15:
        image = cv2.filter2D(image, -1, _motion_kernel(rng))
    if rng.random() < 0.35:
        image = image + rng.normal(0, rng.uniform(1, 8), image.shape)
    rgb = to_rgb(np.asarray(image, dtype=np.float32))
    return _compress(rgb, int(rng.integers(25, 96))) if rng.random() < 0.5 else rgb


def _motion_kernel(rng: np.random.Generator) -> FloatMap:
    length = int(rng.integers(3, 13))
    kernel = np.zeros((length, length), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * (length - 1) / 2
    start, end = (np.rint((length - 1) / 2 + sign * reach).astype(int) for sign in (-1, 1))
    cv2.line(kernel, start.tolist(), end.tolist(), (1.0,))
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _compress(rgb: RgbImage, quality: int) -> RgbImage:
    """JPEG artefacts."""
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return decode_picture(data.tobytes(), max_pixels=rgb.size)
