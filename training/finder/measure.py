"""What the finder and the whole search find on photos of people and origins that nothing was learnt from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from src.core.types import Box, EyeSide, Floats, FoundEyes, RgbImage, SideSource
from src.services.eye_locator import EyeLocator
from src.utils import geometry
from training.finder.labels import LabelledEye, LabelledPhoto

_NEAR = 0.35
"""Of the width of an eye: found is one whose centre is nearer than that."""
_LARGE = 60.0
"""Pixels of an eye of which the iris alone can be cut out and still shows something."""
_SKIN_PLACES = ((0.0, -1.4), (0.0, 1.35), (0.55, 0.95), (-0.55, 0.95), (0.0, 0.75))
"""Forehead, mouth, cheeks and nose, in distances of the eyes from the middle between them, to the right and down."""


@dataclass(frozen=True, slots=True)
class KnownPhoto:
    """One photo with a known answer: its kind, RGB uint8 HxWx3, and the eyes in its pixels."""

    kind: str
    rgb: RgbImage
    eyes: tuple[LabelledEye, ...]


@dataclass(slots=True)
class Count:
    """What came back on the photos of one kind.

    Attributes:
        photos: all of them.
        right: those with every eye found that is there, and none else; for photos without eyes: nothing found.
        answered: those with an answer at all.
        sure: those answered without doubt of the finder's or the detector's making.
        sides_said, sides_right: of eyes found alone, whose side is labelled.
        close_said: those of which it was said that the lids are missing.
    """

    photos: int = 0
    right: int = 0
    answered: int = 0
    sure: int = 0
    sides_known: int = 0
    sides_said: int = 0
    sides_right: int = 0
    close_said: int = 0
    missed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, int]:
        """The figures, without the names of what was missed."""
        names = ("photos", "right", "answered", "sure", "sides_known", "sides_said", "sides_right", "close_said")
        return {name: getattr(self, name) for name in names}


def known_photos(photo: LabelledPhoto) -> Iterator[KnownPhoto]:
    """The photo itself and what can be cut out of it; the same every time."""
    rgb = photo.read()
    eyes = [eye for eye in photo.eyes if not eye.uncertain]
    uncertain = len(eyes) < len(photo.eyes)
    if not photo.is_face:
        if not eyes:
            yield KnownPhoto("no eye", rgb, ())
        elif len(eyes) == 1 and not uncertain:
            yield KnownPhoto("too close" if _visible(eyes[0], rgb) < 0.5 else "close-up", rgb, (eyes[0],))
        elif not uncertain:
            yield KnownPhoto("both eyes", rgb, tuple(eyes))
        return
    pairs = _pairs(eyes)
    if len(pairs) == 1 and len(eyes) == 2 and not uncertain:
        kind = "whole face" if "mask" not in photo.note else "mask worn"
        yield KnownPhoto(kind, rgb, tuple(eyes))
    for left, right in pairs:
        apart = float(np.hypot(*(right.centre - left.centre)))
        if apart < 40:
            continue
        middle = (left.centre + right.centre) / 2
        both = (left, right)
        yield from _cut("half face", rgb, middle - np.array([0, 0.15 * apart]), 3.2 * apart, 1.7 * apart, both)
        yield from _cut("strip", rgb, middle, 2.1 * apart, 0.75 * apart, both)
        for eye in both:
            yield from _cut("close-up of a face", rgb, eye.centre, 2.4 * eye.width, 1.8 * eye.width, (eye,))
            if eye.width >= _LARGE:
                yield from _cut("iris only", rgb, eye.centre, 0.42 * eye.width, 0.36 * eye.width, (eye,))
        for across, down in _SKIN_PLACES:
            centre = middle + np.array([across, down]) * apart
            yield from _cut("skin", rgb, centre, 0.75 * apart, 0.6 * apart, ())


def count_found(
    photos: Sequence[LabelledPhoto], locator: EyeLocator, on_photo: Callable[[], None] = lambda: None
) -> dict[str, Count]:
    """The counts by kind."""
    counts: dict[str, Count] = {}
    for photo in photos:
        for index, test in enumerate(known_photos(photo)):
            found = locator.find_eyes(test.rgb, mirrored=False)
            _add(counts.setdefault(test.kind, Count()), test, found, f"{photo.name} {index}")
        on_photo()
    return counts


def _add(count: Count, test: KnownPhoto, found: FoundEyes, name: str) -> None:
    sure = bool(found.eyes) and all(eye.sure for eye in found.eyes)
    count.photos += 1
    count.answered += bool(found.eyes)
    count.sure += sure
    count.close_said += any(not eye.lids_visible for eye in found.eyes)
    matched = [
        next((region for region in found.eyes if region.outline is not None and _is_near(region.outline, eye)), None)
        for eye in test.eyes
    ]
    right = sure and all(matched) and len(found.eyes) == len(test.eyes) if test.eyes else not found.eyes
    count.right += right
    if not right:
        count.missed.append(name)
    if len(test.eyes) == len(found.eyes) == 1 and matched[0] is not None and test.eyes[0].inner_on_left is not None:
        count.sides_known += 1
        if matched[0].side_from is SideSource.INNER_CORNER:
            count.sides_said += 1
            count.sides_right += (matched[0].side is EyeSide.LEFT) == test.eyes[0].inner_on_left


def _is_near(outline: Floats, eye: LabelledEye) -> bool:
    return bool(np.hypot(*(geometry.between_corners(outline) - eye.centre)) < _NEAR * eye.width)


def _visible(eye: LabelledEye, rgb: RgbImage) -> float:
    height, width = rgb.shape[:2]
    opening = geometry.box_around(eye.outline)
    inside = geometry.overlap(opening, Box(0, 0, width, height))
    return 0.0 if inside is None else inside.area / opening.area


def _pairs(eyes: Sequence[LabelledEye]) -> list[tuple[LabelledEye, LabelledEye]]:
    """Two eyes of one face, the one on the left first: labels of faces have the person's right eye before the left."""
    pairs = []
    for one, other in itertools.pairwise(eyes):
        apart = float(np.hypot(*(other.centre - one.centre))) / max(one.width, other.width)
        if one.inner_on_left is False and other.inner_on_left is True and 1.2 < apart < 3.6:
            pairs.append((one, other))
    return pairs


def _cut(
    kind: str,
    rgb: RgbImage,
    centre: Any,
    width: float,
    height: float,
    eyes: tuple[LabelledEye, ...],
) -> Iterator[KnownPhoto]:
    """The part, if the picture has most of it."""
    left, top = (round(value) for value in centre - np.array([width, height]) / 2)
    right, bottom = round(left + width), round(top + height)
    inside = (max(0, left), max(0, top), min(rgb.shape[1], right), min(rgb.shape[0], bottom))
    if (inside[2] - inside[0]) * (inside[3] - inside[1]) < 0.75 * width * height:
        return
    part = np.ascontiguousarray(rgb[inside[1] : inside[3], inside[0] : inside[2]])
    shift = np.array([[1.0, 0.0, -inside[0]], [0.0, 1.0, -inside[1]]])
    yield KnownPhoto(kind, part, tuple(eye.moved(shift) for eye in eyes))
