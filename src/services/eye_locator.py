"""Finds one person's eyes in any photo, and says where to cut: whole faces by dlib and Haar, others by the finder."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from src.config.settings import Settings
from src.core.types import Box, EyeRegion, EyeSide, EyeSource, Floats, FoundEyes, RgbImage, SideSource
from src.services.assets import Assets
from src.services.eye_finder import SIDE, EyeFinder, SeenEye
from src.services.face_detection import WORKING_SIDE, Face, FaceDetector
from src.services.pyramid import Pyramid
from src.utils import geometry

# Below the first, nothing is said to be there; from the second on a single eye is one without doubt; of a pair, one has
# to be as sure as the third and the other as the fourth, because two in their places confirm each other. Of 124 pieces of
# skin 98 % are below 0.6 alone and below 0.45 and 0.36 as a pair, of 160 close-ups 98 % above 0.68.
_LEAST_SCORE, _SURE = 0.25, 0.6
_SURE_OF_PAIR, _OTHER_OF_PAIR = 0.5, 0.38
# Corner to corner, over the longest side of the picture. A face is nearly six times as wide as its eye, so none is
# whole in a picture of which an eye is a quarter.
_NO_WHOLE_FACE = 0.25
# An eye narrower than this share of the picture is looked at again, closer.
_LOOK_AGAIN = 0.22
# The closer look is so many times as wide as the eyes from corner to corner.
_CLOSER_REGION = 1.5
# How sure the finder has to be which corner is the inner one before it says so.
_SURE_OF_SIDE = 0.9
# Distance of the centres of two eyes over their mean width: 2.3 to 2.8 in nine of ten of 289 faces, less where a head
# is turned.
_PAIR_DISTANCE = (1.4, 3.6)
_PAIR_WIDTHS = 1.9
# What is on the photo takes at least this share of the width or of the height of a crop.
_LEAST_OF_CROP = 0.85
# An opening of which less than this share is in the picture has lost its lids.
_LEAST_VISIBLE = 0.6
# The finder's person is answered in place of a face whose eyes are so much smaller.
_IN_FRONT = 1.6


@dataclass(frozen=True, slots=True)
class _Person:
    """One eye or two of somebody, the one on the left of the picture first."""

    eyes: tuple[SeenEye, ...]

    @property
    def width(self) -> float:
        return float(np.mean([eye.width for eye in self.eyes]))

    @property
    def sure(self) -> bool:
        scores = sorted(eye.score for eye in self.eyes)
        if len(scores) == 2:
            return scores[1] >= _SURE_OF_PAIR and scores[0] >= _OTHER_OF_PAIR
        return scores[0] >= _SURE

    @property
    def box(self) -> Box:
        points = np.concatenate([eye.outline for eye in self.eyes])
        return geometry.box_around(points)


class EyeLocator:
    """Finds eyes. Safe to call from many threads at once."""

    def __init__(
        self,
        assets: Assets,
        *,
        crop_padding_x: float,
        crop_padding_y: float,
        mirrored_input: bool,
        finder: EyeFinder | None = None,
    ) -> None:
        """Loads the landmark file and, unless another is given, the shipped finder, which takes a second or two.

        Paddings: see `geometry.padded_eye_box`. In mirrored pictures the eye on the left is the person's left one.

        Raises:
            StartupError: a cascade, the landmark file or the finder's weights cannot be read.
        """
        self._faces = FaceDetector(assets)
        self._finder = finder or EyeFinder()
        self._crop_padding_x = crop_padding_x
        self._crop_padding_y = crop_padding_y
        self._mirrored_input = mirrored_input

    @classmethod
    def from_settings(cls, assets: Assets, settings: Settings, finder: EyeFinder | None = None) -> EyeLocator:
        """With the settings' paddings and mirroring; see `__init__` for what may be wrong with the assets."""
        return cls(
            assets,
            crop_padding_x=settings.crop_padding_x,
            crop_padding_y=settings.crop_padding_y,
            mirrored_input=settings.mirrored_input,
            finder=finder,
        )

    def prepare_thread(self) -> None:
        """Makes what the calling thread needs for itself, so that its first picture does not wait for it."""
        self._faces.prepare_thread()

    def find_eyes(self, picture: RgbImage, hint: Box | None = None, *, mirrored: bool | None = None) -> FoundEyes:
        """The eyes of the person who is nearest, padding included.

        Args:
            picture: RGB uint8 HxWx3, upright.
            hint: where the client saw a face; looked at first, never trusted.
            mirrored: the picture is, which swaps left and right; None: as the settings say.

        Returns:
            up to two regions in the picture's pixels, which may reach beyond it; no eyes where none was found.
        """
        found = self._found(picture, hint)
        if self._mirrored_input if mirrored is None else mirrored:
            return replace(found, eyes=[replace(eye, side=eye.side.opposite) for eye in found.eyes])
        return found

    def _found(self, picture: RgbImage, hint: Box | None) -> FoundEyes:
        face = self._faces.find_in_hint(picture, hint) if hint else None
        if face is not None:
            return self._of_face(picture, face, [])
        pyramid = Pyramid(picture, WORKING_SIDE)
        people = self._people(pyramid)
        nearest = self._looked_at_again(picture, people[0]) if people else None
        if nearest is not None and nearest.sure and nearest.width > _NO_WHOLE_FACE * pyramid.longest_side:
            return self._of_person(picture, nearest)
        face = self._faces.find(pyramid, thoroughly=nearest is None or not nearest.sure)
        if face is not None and not (nearest is not None and _is_in_front(nearest, face)):
            return self._of_face(picture, face, people)
        return FoundEyes([], 0) if nearest is None else self._of_person(picture, nearest)

    def _people(self, pyramid: Pyramid) -> list[_Person]:
        """Those of whom an eye is seen, the sure ones and the nearest first, in pixels of the picture."""
        scale = pyramid.longest_side / SIDE
        seen = [_moved(eye, scale, 0, 0) for eye in self._finder.find(pyramid.grey(SIDE), _LEAST_SCORE)]
        return sorted(_paired(seen), key=lambda person: (person.sure, person.width), reverse=True)

    def _looked_at_again(self, picture: RgbImage, person: _Person) -> _Person:
        """The same eyes with the outlines that a closer look gives, and as sure as both looks are together."""
        height, width = picture.shape[:2]
        if person.width > _LOOK_AGAIN * max(height, width):
            return person
        box = person.box
        span = max(box.width, box.height, 2.5 * person.width) * _CLOSER_REGION
        centre_x, centre_y = box.x + box.width / 2, box.y + box.height / 2
        region = geometry.clipped(Box(centre_x - span / 2, centre_y - span / 2, span, span), width, height)
        if region is None:
            return person
        part, left, top = geometry.part_inside(picture, region)
        pyramid = Pyramid(part, SIDE)
        scale = pyramid.longest_side / SIDE
        again = [_moved(eye, scale, left, top) for eye in self._finder.find(pyramid.grey(SIDE), _LEAST_SCORE)]
        return _Person(tuple(_seen_again(eye, again) for eye in person.eyes))

    def _of_face(self, picture: RgbImage, face: Face, people: Sequence[_Person]) -> FoundEyes:
        others = [person for person in people if len(person.eyes) == 2 and person.sure and not face.has(person.box)]
        eyes = [
            EyeRegion(
                side,
                self._box(picture, outline, face.eye_width)[0],
                face.source,
                outline=outline,
                openness=geometry.eye_openness(outline) if face.source is EyeSource.LANDMARKS else None,
                side_from=SideSource.FACE,
            )
            for side, outline in face.eyes.items()
        ]
        return FoundEyes(eyes, face.count + len(others))

    def _of_person(self, picture: RgbImage, person: _Person) -> FoundEyes:
        if not person.sure:
            height, width = picture.shape[:2]
            whole = Box(0, 0, width, height)
            return FoundEyes([EyeRegion(EyeSide.UNKNOWN, whole, EyeSource.WHOLE_PICTURE, sure=False)], 0)
        regions = []
        for index, eye in enumerate(person.eyes):
            side, side_from = _side_of(eye, index, len(person.eyes))
            box, lids_visible = self._box(picture, eye.outline, person.width)
            regions.append(
                EyeRegion(
                    side,
                    box,
                    EyeSource.EYE_FINDER,
                    outline=eye.outline,
                    openness=geometry.eye_openness(eye.outline),
                    side_from=side_from,
                    lids_visible=lids_visible,
                )
            )
        return FoundEyes(regions, 0)

    def _box(self, picture: RgbImage, outline: Floats, eye_width: float) -> tuple[Box, bool]:
        """Where to cut, and whether the lids are in the picture."""
        whole = Box(0, 0, picture.shape[1], picture.shape[0])
        box, share = eye_box(outline, whole, self._crop_padding_x, self._crop_padding_y, eye_width)
        return box, share >= _LEAST_VISIBLE


def eye_box(
    outline: Floats, photo: Box, padding_x: float, padding_y: float, eye_width: float | None = None
) -> tuple[Box, float]:
    """Where to cut out an eye, and which share (0-1) of its opening is on the photo.

    Of a close-up that reaches less far than the padding on all sides, the box is drawn in around what there is, so that
    the eye is not lost in a frame of nothing; its proportions stay. The width is the mean of both eyes where both are
    known, else that of this one. For the paddings see `geometry.padded_eye_box`.
    """
    opening = geometry.box_around(outline)
    box = geometry.padded_eye_box(opening, eye_width or opening.width, padding_x, padding_y)
    seen, inside = geometry.overlap(opening, photo), geometry.overlap(box, photo)
    share = seen.area / opening.area if seen is not None and opening.area > 0 else 0.0
    if inside is None:
        return box, share
    factor = max(inside.width / box.width, inside.height / box.height) / _LEAST_OF_CROP
    return (geometry.drawn_in(box, inside, factor) if factor < 1 else box), share


def _is_in_front(person: _Person, face: Face) -> bool:
    """Whether it is somebody nearer than the face, whose own is not whole."""
    return person.sure and person.width > _IN_FRONT * face.eye_width and not face.has(person.box)


def _moved(eye: SeenEye, scale: float, x: float, y: float) -> SeenEye:
    iris = np.array([eye.iris[0] * scale + x, eye.iris[1] * scale + y, eye.iris[2] * scale])
    return replace(eye, outline=eye.outline * scale + (x, y), iris=iris)


def _seen_again(eye: SeenEye, again: Sequence[SeenEye]) -> SeenEye:
    """What the closer look says of this eye; one that it does not see is half as sure."""
    near = [other for other in again if np.hypot(*(other.centre - eye.centre)) < 0.5 * eye.width]
    if not near:
        return replace(eye, score=eye.score / 2)
    closer = max(near, key=lambda other: other.score)
    return replace(closer, score=(eye.score + closer.score) / 2)


def _paired(seen: Sequence[SeenEye]) -> list[_Person]:
    """Everybody once: pairs first, the surest of them first."""
    left = list(seen)
    people: list[_Person] = []
    pairs = [pair for pair in itertools.combinations(seen, 2) if _is_pair(*pair)]
    for one, other in sorted(pairs, key=lambda pair: -(pair[0].score + pair[1].score)):
        if any(eye is one for eye in left) and any(eye is other for eye in left):
            people.append(_Person(tuple(sorted((one, other), key=lambda eye: float(eye.centre[0])))))
            left = [eye for eye in left if eye is not one and eye is not other]
    return people + [_Person((eye,)) for eye in left]


def _is_pair(one: SeenEye, other: SeenEye) -> bool:
    first, second = sorted((one, other), key=lambda eye: float(eye.centre[0]))
    across = second.centre - first.centre
    width = (one.width + other.width) / 2
    # In its own direction: a head may be tilted.
    along = first.outline[3] - first.outline[0] + second.outline[3] - second.outline[0]
    turn = abs(np.arctan2(across[1], across[0]) - np.arctan2(along[1], along[0]))
    return bool(
        _PAIR_DISTANCE[0] * width < np.hypot(*across) < _PAIR_DISTANCE[1] * width
        and max(one.width, other.width) < _PAIR_WIDTHS * min(one.width, other.width)
        and turn < np.deg2rad(30)
        and not (first.inner_on_left > _SURE_OF_SIDE and second.inner_on_left < 1 - _SURE_OF_SIDE)
    )


def _side_of(eye: SeenEye, index: int, count: int) -> tuple[EyeSide, SideSource | None]:
    """In a picture that is not mirrored, the left one of two eyes is the person's right one."""
    if count == 2:
        return (EyeSide.RIGHT, EyeSide.LEFT)[index], SideSource.FACE
    if eye.inner_on_left > _SURE_OF_SIDE:
        return EyeSide.LEFT, SideSource.INNER_CORNER
    if eye.inner_on_left < 1 - _SURE_OF_SIDE:
        return EyeSide.RIGHT, SideSource.INNER_CORNER
    return EyeSide.UNKNOWN, None
