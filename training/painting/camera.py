"""Imitates what cameras and cropping do to a picture on its way to the service, the same for every class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Box, RgbImage
from src.utils import geometry
from src.utils.image_codec import decode_picture
from src.utils.preprocessing import to_network_input
from training.painting.blob import FloatMap, to_rgb
from training.painting.eye_opening import EyeOpening

_BORDERS = (cv2.BORDER_REPLICATE, cv2.BORDER_REFLECT_101, cv2.BORDER_CONSTANT)
_EYE_PER_FACE_WIDTH = (0.17, 0.25)
"""Opening of one eye over the width of dlib's face box."""
_PADDINGS_X = (10.0, 35.0)
_PADDINGS_Y = (15.0, 60.0)
"""Around the service's defaults of 20 and 40 pixels for a face 200 px wide."""
_RENDER_SIDE = 288
"""Squares are rendered a little larger than the network's input, so that the last step shrinks as in the service."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Which part of a picture is on the photograph, and how it lies there.

    `to_picture` (2 x 3) leads from a pixel (x, y, 1) of the photograph to a pixel of the picture; `border` is OpenCV's
    way of filling what lies outside of the picture, with `grey` (0-255) where it is of one colour.
    """

    to_picture: npt.NDArray[np.float64]
    border: int
    grey: float

    def apply(self, rgb: RgbImage) -> RgbImage:
        """The framed part, still larger than the network's input."""
        framed = cv2.warpAffine(
            rgb,
            self.to_picture,
            (_RENDER_SIDE, _RENDER_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=self.border,
            borderValue=(self.grey, self.grey, self.grey),
        )
        return np.asarray(framed, dtype=np.uint8)

    def coverage(self, mask: npt.NDArray[np.bool_], places: int) -> FloatMap:
        """Which part (0-1) of each of places x places equal parts of the photograph a mask of the picture covers."""
        seen = cv2.warpAffine(
            mask.astype(np.float32),
            self.to_picture,
            (_RENDER_SIDE, _RENDER_SIDE),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        return np.asarray(cv2.resize(seen, (places, places), interpolation=cv2.INTER_AREA), dtype=np.float32)

    def visible_share(self, mask: npt.NDArray[np.bool_]) -> float:
        """Which part (0-1) of the pixels of a mask, as large as the picture, is on the photograph."""
        ys, xs = np.nonzero(mask)
        linear, offset = self.to_picture[:, :2], self.to_picture[:, 2]
        there = np.linalg.solve(linear, np.stack([xs, ys]) - offset[:, None])
        inside = ((there >= 0) & (there < _RENDER_SIDE)).all(axis=0)
        return float(inside.mean()) if len(inside) else 0.0


def whole_picture(height: int, width: int) -> Framing:
    """The framing that squeezes all of a picture of that size into the square."""
    linear = np.diag([width / _RENDER_SIDE, height / _RENDER_SIDE])
    offset = (np.array([width, height]) - 1) / 2 - linear @ np.full(2, (_RENDER_SIDE - 1) / 2)
    return Framing(np.hstack([linear, offset[:, None]]), cv2.BORDER_REPLICATE, 0.0)


def draw_service_framing(height: int, width: int, opening: EyeOpening, rng: np.random.Generator) -> Framing:
    """The crop that the service would cut around that eye, at random paddings, with the errors of landmarks."""
    face_width = opening.width / rng.uniform(*_EYE_PER_FACE_WIDTH)
    slip_x, slip_y = rng.normal(0, 0.06, size=2) * opening.width
    eye = Box(
        opening.x - opening.width / 2 + slip_x,
        opening.y - opening.height / 2 + slip_y,
        opening.width,
        opening.height,
    )
    padded = geometry.padded_eye_box(eye, face_width, rng.uniform(*_PADDINGS_X), rng.uniform(*_PADDINGS_Y))
    box = geometry.clipped(padded, width, height) or Box(0, 0, width, height)
    return _frame(box, np.deg2rad(rng.normal(0, 5)), rng)


def draw_framing(height: int, width: int, rng: np.random.Generator) -> Framing:
    """Another crop of a picture of that size: shifted, zoomed, stretched as by 4:3 cameras, turned, mirrored."""
    zoom = np.exp(rng.uniform(np.log(0.68), np.log(1.12)))
    stretch = np.exp(rng.uniform(-0.2, 0.2))
    crop_width, crop_height = width * zoom * stretch, height * zoom / stretch
    slack_x, slack_y = abs(width - crop_width), abs(height - crop_height)
    centre_x = width / 2 + rng.uniform(-0.3, 0.3) * slack_x + rng.uniform(-0.04, 0.04) * width
    centre_y = height / 2 + rng.uniform(-0.3, 0.3) * slack_y + rng.uniform(-0.04, 0.04) * height
    box = Box(centre_x - crop_width / 2, centre_y - crop_height / 2, crop_width, crop_height)
    return _frame(box, np.deg2rad(rng.normal(0, 7)), rng)


def _frame(box: Box, angle: float, rng: np.random.Generator) -> Framing:
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([mirror * box.width / _RENDER_SIDE, box.height / _RENDER_SIDE])
    centre = np.array([box.x + box.width / 2, box.y + box.height / 2])
    offset = centre - linear @ np.full(2, (_RENDER_SIDE - 1) / 2)
    return Framing(
        to_picture=np.hstack([linear, offset[:, None]]),
        # One origin consists of pictures turned by others, with white or smeared corners. Here every class gets such
        # corners, so that they mean nothing.
        border=_BORDERS[rng.choice(len(_BORDERS), p=(0.4, 0.3, 0.3))],
        grey=float(rng.choice([0.0, 128.0, 255.0])),
    )


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
