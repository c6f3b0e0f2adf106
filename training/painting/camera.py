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
from src.utils.preprocessing import ALL, place_in_square, to_network_input
from training.painting.blob import FloatMap, to_rgb

_PADDINGS = (20.0, 40.0)
"""The service's defaults, in pixels of a face 200 px wide."""
_PADDING_SCALES = (0.6, 1.5)
_PADDING_SPREAD = 0.2
"""Of the logarithm of each: how far the crop's proportions are from the service's own."""
_SLIP = 0.05
"""Standard deviation of the finder's errors, over the width of the eye."""
_RENDER_SIDE = 288
"""Squares are rendered a little larger than the network's input, so that the last step shrinks as in the service."""
_WHOLE_SHARE = 0.4
"""Of the photos that reach as far as their picture."""
_LEAST_OPENING = 0.6
"""Part of the opening that is in the picture (0-1), which is on nearly every photo."""
_CUT_OFF_SHARE, _LEAST_OF_CUT_OFF = 0.1, 0.25
"""Photos that may have lost more of it, and how much they still show."""
_ATTEMPTS = 20
_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)


@dataclass(frozen=True, slots=True)
class Framing:
    """Which part of a picture is on the crop, and how it lies there.

    Attributes:
        to_picture: 2 x 3, leads from a pixel (x, y, 1) of the crop to a pixel of the picture.
        place: of what is on the photo that is cut, in shares of the crop; the rest gets the mean colour, as in the
            service.
        border: OpenCV's way of filling what is on the photo but outside of the picture, with `grey` (0-255) where it is
            of one colour.
    """

    to_picture: npt.NDArray[np.float64]
    place: Box = ALL
    border: int = cv2.BORDER_REPLICATE
    grey: float = 0.0

    def apply(self, rgb: RgbImage) -> RgbImage:
        """The part of the crop that is on the photo, still larger than the network takes it."""
        framed = cv2.warpAffine(
            rgb,
            self.to_picture,
            (_RENDER_SIDE, _RENDER_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=self.border,
            borderValue=(self.grey, self.grey, self.grey),
        )
        return np.asarray(framed[place_in_square(self.place, _RENDER_SIDE)], dtype=np.uint8)

    def coverage(self, mask: npt.NDArray[np.bool_], places: int) -> FloatMap:
        """Which part (0-1) of each of places x places equal parts of the crop a mask of the picture covers."""
        covered = cv2.warpAffine(
            mask.astype(np.float32),
            self.to_picture,
            (_RENDER_SIDE, _RENDER_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        seen = np.zeros_like(covered)
        on_photo = place_in_square(self.place, _RENDER_SIDE)
        seen[on_photo] = covered[on_photo]
        return np.asarray(cv2.resize(seen, (places, places), interpolation=cv2.INTER_AREA), dtype=np.float32)

    def visible_share(self, mask: npt.NDArray[np.bool_]) -> float:
        """Which part (0-1) of the pixels of a mask, as large as the picture, is on the crop; 0 of an empty one."""
        ys, xs = np.nonzero(mask)
        linear, offset = self.to_picture[:, :2], self.to_picture[:, 2]
        x, y = np.linalg.solve(linear, np.stack([xs, ys]) - offset[:, None])
        rows, columns = place_in_square(self.place, _RENDER_SIDE)
        inside = (x >= columns.start) & (x < columns.stop) & (y >= rows.start) & (y < rows.stop)
        return float(inside.mean()) if len(inside) else 0.0


@dataclass(frozen=True, slots=True)
class _Photo:
    """A photo of a part of a picture: its sides in pixels, and the way from its points to the picture's, which is
    `linear` (2 x 2) and then `offset` (x, y).
    """

    width: float
    height: float
    linear: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    def shows(self, points: Floats) -> Floats:
        """Where n x (x, y) of the picture are on the photo."""
        return np.asarray(np.linalg.solve(self.linear, (points - self.offset).T).T)

    def framing(self, box: Box, border: int = cv2.BORDER_REPLICATE, grey: float = 0.0) -> Framing:
        """The crop of that box of the photo; for `border` and `grey` see `Framing`."""
        # Of a box beside the photo there is nothing to see.
        inside = geometry.overlap(box, Box(0, 0, self.width, self.height)) or Box(box.x, box.y, 0, 0)
        linear = self.linear @ np.diag([box.width / _RENDER_SIDE, box.height / _RENDER_SIDE])
        # A pixel's own point is its middle.
        offset = self.linear @ np.array([box.x, box.y]) + self.offset + linear @ np.array([0.5, 0.5]) - 0.5
        return Framing(np.hstack([linear, offset[:, None]]), geometry.place_in(box, inside), border, grey)


def framing_of(box: Box, height: int, width: int) -> Framing:
    """The crop of that box that the service cuts out of a picture of that size."""
    return _Photo(width, height, np.eye(2), np.zeros(2)).framing(box)


def draw_framing(
    outline: Floats | None, height: int, width: int, rng: np.random.Generator, *, may_cut_off: bool = True
) -> Framing:
    """The crop that the service would cut around that eye out of some photo of a picture of that size.

    People hold phones nearer or farther, beside and askew, and mirror and stretch what these show. The finder slips,
    and paddings are another each time. Of an eye that it is not sure of, without an outline, the photo is all there is.
    """
    whole = Box(0, 0, width, height)
    least = _LEAST_OPENING
    if may_cut_off and rng.random() < _CUT_OFF_SHARE:
        least = _LEAST_OF_CUT_OFF
    for _ in range(_ATTEMPTS):
        photo = _draw_photo(height, width, rng)
        all_of_it = Box(0, 0, photo.width, photo.height)
        border, grey = int(rng.choice(_BORDERS, p=(0.4, 0.3, 0.3))), float(rng.choice([0.0, 128.0, 255.0]))
        box, share, before = all_of_it, 1.0, 1.0
        if outline is not None:
            seen = photo.shows(outline)
            seen = seen + rng.normal(0, _SLIP, 2) * geometry.corner_distance(seen)
            scale = np.exp(rng.uniform(*np.log(_PADDING_SCALES)))
            paddings = scale * np.exp(rng.uniform(-_PADDING_SPREAD, _PADDING_SPREAD, 2)) * _PADDINGS
            box, share = eye_box(seen, all_of_it, *paddings)
            before = eye_box(outline, whole, *_PADDINGS)[1]
        if share >= least * before:
            return photo.framing(box, border, grey)
    return framing_of(whole if outline is None else eye_box(outline, whole, *_PADDINGS)[0], height, width)


def _draw_photo(height: int, width: int, rng: np.random.Generator) -> _Photo:
    shown_width, shown_height = float(width), float(height)
    if rng.random() >= _WHOLE_SHARE:
        zoom, proportions = np.exp(rng.uniform(np.log(0.6), 0.0)), np.exp(rng.uniform(-0.2, 0.2))
        shown_width, shown_height = min(width, width * zoom * proportions), min(height, height * zoom / proportions)
    centre = np.array([rng.uniform(0, width - shown_width), rng.uniform(0, height - shown_height)])
    centre += np.array([shown_width, shown_height]) / 2
    # As by cameras of 4:3 that are squeezed to squares.
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    angle, mirror = np.deg2rad(rng.normal(0, 6)), rng.choice([-1.0, 1.0])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror * stretch, 1 / stretch])
    photo_width, photo_height = shown_width / stretch, shown_height * stretch
    return _Photo(photo_width, photo_height, linear, centre - linear @ np.array([photo_width, photo_height]) / 2)


def photograph(rgb: RgbImage, framing: Framing, side: int, rng: np.random.Generator) -> RgbImage:
    """The crop of a picture, lit and degraded at random, as RGB uint8 side x side x 3.

    Only what is on the photo goes through the camera; what is not gets its colour afterwards, as in the service.
    """
    lit = _light(framing.apply(rgb).astype(np.float32), rng)
    return to_network_input(_degrade(lit, rng), side, framing.place)


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
    height, width = picture.shape[:2]
    image: Any = picture
    if rng.random() < 0.45:
        scale = np.exp(rng.uniform(np.log(56), np.log(200))) / _RENDER_SIDE
        small = (max(1, round(scale * width)), max(1, round(scale * height)))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            image = image + rng.normal(0, rng.uniform(1, 8), image.shape).astype(np.float32)
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
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
