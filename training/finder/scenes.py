"""Photos as people take them, cut out of labelled pictures: faces, half faces, both eyes, one eye, skin without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from src.core.types import Floats
from src.services.eye_finder import SIDE
from training.finder.covers import covered, other_of_pair
from training.finder.labels import LabelledEye, LabelledPhoto

_SAFE = 0.75
"""Half of the width of an eye, and a half of that: no skin is cut from nearer to an eye's centre."""


_NOISE_SHARE = 0.15
"""Of the scenes from photos without eyes."""
_SMALLEST = 7.0
"""Pixels of a scene from corner to corner of an eye that is to be found."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A photo as the network sees it, uint8 grey SIDE x SIDE, of which `inside` (width, height) is the photo and the
    rest is nothing; and the eyes in its pixels. Of eyes that are `uncertain` nothing is learnt.
    """

    grey: npt.NDArray[np.uint8]
    inside: tuple[int, int]
    eyes: tuple[LabelledEye, ...]


@dataclass(frozen=True, slots=True)
class _Window:
    """A turned rectangle in a picture: its centre, size, and angle in radians."""

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    def has(self, point: Floats) -> bool:
        x, y = point - (self.x, self.y)
        return bool(abs(x) < self.width / 2 and abs(y) < self.height / 2)


def draw_scene(photo: LabelledPhoto, rng: np.random.Generator) -> Scene:
    """One scene at random; the same generator state gives the same scene."""
    eyes = [eye for eye in photo.eyes if not eye.uncertain]
    if not photo.eyes and rng.random() < _NOISE_SHARE:
        return Scene(_degraded(_noise(rng), rng), (SIDE, SIDE), ())
    if not eyes:
        window = _anywhere(photo.grey.shape, rng)
    elif photo.is_face:
        window = _of_a_face(photo, eyes, rng)
    else:
        window = _of_a_close_up(photo, eyes[int(rng.integers(len(eyes)))], rng)
    # A mask is no skin: where no eye shows, it would only hide nose and mouth.
    painted, left = covered(photo, rng, masks=any(window.has(eye.centre) for eye in eyes))
    return _photographed(painted, window, left, rng)


def _anywhere(shape: tuple[int, ...], rng: np.random.Generator) -> _Window:
    height, width = shape
    zoom = np.exp(rng.uniform(np.log(0.25), 0.0))
    window_width, window_height = _with_aspect(zoom * min(width, height), rng, 0.5, 2.0)
    return _Window(rng.uniform(0, width), rng.uniform(0, height), window_width, window_height, rng.normal(0, 0.2))


def _noise(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """From single pixels to clouds."""
    grains = int(np.exp(rng.uniform(np.log(4), np.log(SIDE))))
    noise = rng.uniform(0, 255, (grains, grains)).astype(np.float32)
    return np.asarray(cv2.resize(noise, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 255), np.uint8)


def _of_a_face(photo: LabelledPhoto, eyes: Sequence[LabelledEye], rng: np.random.Generator) -> _Window:
    eye = eyes[int(rng.integers(len(eyes)))]
    other = other_of_pair(eye, eyes)
    kind = rng.choice(6, p=(0.26, 0.13, 0.18, 0.12, 0.06, 0.25))
    angle = eye.angle + (rng.normal(0, 0.15) if rng.random() < 0.8 else rng.uniform(-0.8, 0.8))
    if kind == 0 or (other is None and kind == 1):
        return _around_one_eye(eye, angle, rng)
    if kind == 5:
        return _skin(photo, eye, rng)
    middle = eye.centre if other is None else (eye.centre + other.centre) / 2
    apart = 2.1 * eye.width if other is None else float(np.hypot(*(eye.centre - other.centre)))
    if kind == 1:
        width = apart * rng.uniform(1.55, 2.4)
        height = width / np.exp(rng.uniform(np.log(1.4), np.log(4.5)))
        slip = np.array([rng.normal(0, 0.06), rng.normal(0, 0.08)]) * width
        x, y = middle + slip
        return _Window(x, y, width, height, angle)
    # Forehead to nose, a whole face, a scene with a face in it.
    reach = {2: (1.7, 3.2), 3: (2.6, 5.0), 4: (5.0, 10.0)}[int(kind)]
    width, height = _with_aspect(apart * np.exp(rng.uniform(*np.log(reach))), rng, 0.6, 1.7)
    down = {2: (-0.25, 0.3), 3: (-0.05, 0.3), 4: (-0.3, 0.4)}[int(kind)]
    x, y = rng.normal(0, 0.08) * width, rng.uniform(*down) * height
    turned = np.array([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y])
    return _Window(middle[0] + turned[0], middle[1] + turned[1], width, height, angle)


def _around_one_eye(eye: LabelledEye, angle: float, rng: np.random.Generator) -> _Window:
    """From an eye with much around it to one whose iris fills the picture."""
    share = rng.uniform(0.3, 0.75) if rng.random() < 0.7 else rng.uniform(0.75, 2.6)
    width, height = _with_aspect(eye.width / share, rng, 0.75, 1.8)
    slip = rng.uniform(-0.5, 0.5, 2) * np.array([width, height]) * min(0.45, max(0.12, 0.8 - share))
    return _Window(eye.centre[0] + slip[0], eye.centre[1] + slip[1], width, height, angle)


def _of_a_close_up(photo: LabelledPhoto, eye: LabelledEye, rng: np.random.Generator) -> _Window:
    height, width = photo.grey.shape
    angle = rng.normal(0, 0.12) if rng.random() < 0.85 else rng.uniform(-0.6, 0.6)
    draw = rng.random()
    if draw < 0.35:
        # As it is, a little of it lost at the edges.
        keep = rng.uniform(0.85, 1.0, 2)
        x, y = (np.array([width, height]) - 1) / 2 + rng.uniform(-0.5, 0.5, 2) * (1 - keep) * (width, height)
        return _Window(x, y, width * keep[0], height * keep[1], angle * 0.3)
    if draw < 0.88:
        return _around_one_eye(eye, eye.angle + angle, rng)
    return _skin(photo, eye, rng)


def _skin(photo: LabelledPhoto, eye: LabelledEye, rng: np.random.Generator) -> _Window:
    """Cheek, nose, forehead, hair, mouth or brow: near an eye, but without any part of one where there is room."""
    height, width = photo.grey.shape
    best, best_room = _anywhere(photo.grey.shape, rng), -np.inf
    other = other_of_pair(eye, photo.eyes)
    # Nostrils are two as eyes are, and lips open like lids: nothing else is taken for eyes as often.
    below = other is not None and rng.random() < 0.5
    for _ in range(12):
        side = eye.width * np.exp(rng.uniform(np.log(0.5), np.log(3.0)))
        window_width, window_height = _with_aspect(side, rng, 0.6, 1.7)
        x, y = eye.centre + rng.normal(0, 2.0, 2) * eye.width
        if below and other is not None:
            across = other.centre - eye.centre if eye.centre[0] < other.centre[0] else eye.centre - other.centre
            right, down = rng.normal(0, 0.2), rng.uniform(0.4, 1.25)
            x, y = (eye.centre + other.centre) / 2 + right * across + down * np.array([-across[1], across[0]])
        if not (0.3 * side < x < width - 0.3 * side and 0.3 * side < y < height - 0.3 * side):
            continue
        half = np.array([window_width, window_height]) / 2
        gaps = [np.abs(other.centre - (x, y)) - half - _SAFE * 0.7 * other.width for other in photo.eyes]
        room = min((float(gap.max()) for gap in gaps), default=np.inf)
        if room > best_room:
            best, best_room = _Window(x, y, window_width, window_height, rng.normal(0, 0.1)), room
        if room > 0:
            break
    return best


def _with_aspect(side: float, rng: np.random.Generator, low: float, high: float) -> tuple[float, float]:
    """Width and height of that mean side, with an aspect (width / height) between these."""
    aspect = np.exp(rng.uniform(np.log(low), np.log(high)))
    return side * max(1.0, aspect), side * max(1.0, 1 / aspect)


def _photographed(
    grey: npt.NDArray[np.uint8], window: _Window, eyes: Sequence[LabelledEye], rng: np.random.Generator
) -> Scene:
    """The window as a photo whose longest side is SIDE pixels, lit and degraded at random."""
    height, width = grey.shape
    # No photo reaches beyond itself, but a picture that is turned has corners to fill.
    window_width, window_height = min(window.width, width), min(window.height, height)
    x = np.clip(window.x, window_width / 2, width - window_width / 2)
    y = np.clip(window.y, window_height / 2, height - window_height / 2)
    stretch = np.exp(rng.uniform(-0.28, 0.2)) if rng.random() < 0.7 else 1.0
    across, down = window_width * stretch, window_height / stretch
    factor = SIDE / max(across, down)
    inside = max(8, min(SIDE, round(across * factor))), max(8, min(SIDE, round(down * factor)))
    turn = np.array([[np.cos(window.angle), np.sin(window.angle)], [-np.sin(window.angle), np.cos(window.angle)]])
    linear = np.diag([inside[0] / window_width, inside[1] / window_height]) @ turn
    if rng.random() < 0.5:
        linear = np.diag([-1.0, 1.0]) @ linear
    to_scene = np.hstack([linear, (np.array(inside) / 2 - linear @ np.array([x, y]))[:, None]])
    shrink = np.sqrt(abs(np.linalg.det(linear)))
    if shrink < 0.6:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), 0.35 / shrink), np.uint8)
    border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_REFLECT_101
    seen = np.asarray(cv2.warpAffine(grey, to_scene, inside, flags=cv2.INTER_LINEAR, borderMode=border), np.uint8)
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[: inside[1], : inside[0]] = _degraded(seen, rng)
    moved = [eye.moved(to_scene) for eye in eyes]
    shown = [eye for eye in moved if 0 <= eye.centre[0] < inside[0] and 0 <= eye.centre[1] < inside[1]]
    half = [eye.as_uncertain() for eye in moved if not any(eye is other for other in shown) and _touches(eye, inside)]
    shown = [eye if eye.width >= _SMALLEST else eye.as_uncertain() for eye in shown]
    return Scene(canvas, inside, (*shown, *half))


def _touches(eye: LabelledEye, inside: tuple[int, int]) -> bool:
    """Whether some of an eye whose centre is outside can be seen."""
    low, high = eye.outline.min(axis=0), eye.outline.max(axis=0)
    return bool((high > 0).all() and (low < np.array(inside)).all())


def _degraded(grey: npt.NDArray[np.uint8], rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    picture: Any = (grey.astype(np.float32) / 255) ** np.exp(rng.normal(0, 0.3))
    if rng.random() < 0.2:
        picture = picture ** rng.uniform(1.5, 3.0) * rng.uniform(0.15, 0.6)
    if rng.random() < 0.35:
        angle = rng.uniform(0, 2 * np.pi)
        ys, xs = np.mgrid[-1 : 1 : picture.shape[0] * 1j, -1 : 1 : picture.shape[1] * 1j]
        picture = picture * (1 + rng.uniform(0, 0.7) * (np.cos(angle) * xs + np.sin(angle) * ys)).astype(np.float32)
    picture = np.clip((picture - 0.5) * np.exp(rng.normal(0, 0.2)) + 0.5 + rng.normal(0, 0.05), 0, 1) * 255
    if rng.random() < 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 2.5))
    if rng.random() < 0.15:
        size = (max(8, grey.shape[1] // 3), max(8, grey.shape[0] // 3))
        picture = cv2.resize(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), grey.shape[::-1])
    if rng.random() < 0.4:
        picture = picture + rng.normal(0, rng.uniform(1, 12), grey.shape)
    degraded = np.asarray(np.clip(picture, 0, 255), dtype=np.uint8)
    if rng.random() < 0.3:
        _, data = cv2.imencode(".jpg", degraded, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])
        degraded = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)
    return degraded
