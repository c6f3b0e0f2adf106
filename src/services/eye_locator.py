"""Finds one person's eyes in any photo, and says where to cut: whole faces by dlib and Haar, others by the finder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from src.config.settings import Settings
from src.core.types import Box, EyeRegion, EyeSide, EyeSource, Floats, FoundEyes, RgbImage, SideSource
from src.services.assets import Assets
from src.services.eye_finder import SIDE, EyeFinder, SeenEye
from src.services.face_detection import WORKING_SIDE, Face, FaceDetector
from src.services.people import LEAST_SCORE, SURE_OF_SIDE, WORTH_A_LOOK, Person, moved, paired, seen_again, seen_by_haar
from src.services.pyramid import Pyramid
from src.utils import geometry

# Corner to corner, over the longest side of the picture. A face is nearly six times as wide as its eye, so none is
# whole in a picture of which an eye is a quarter.
_NO_WHOLE_FACE = 0.25
# An eye narrower than this share of the picture is looked at again, closer.
_LOOK_AGAIN = 0.22
# The closer look is so many times as wide as the eyes from corner to corner.
_CLOSER_REGION = 1.5
# What is on the photo takes at least this share of the width or of the height of a crop.
_LEAST_OF_CROP = 0.85
# An opening of which less than this share is in the picture has lost its lids.
_LEAST_VISIBLE = 0.75
# The finder's person is answered in place of a face whose eyes are so much smaller.
_IN_FRONT = 1.6


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
        is_pair = nearest is not None and nearest.sure and len(nearest.eyes) == 2
        # A small eye alone is half of a face that may be found whole by a finer search.
        face = self._faces.find(pyramid, thoroughly=not is_pair)
        if face is not None and not (nearest is not None and _is_in_front(nearest, face)):
            return self._of_face(picture, face, people)
        if not is_pair:
            nearest = self._small_pair(picture, pyramid) or nearest
        return FoundEyes([], 0) if nearest is None else self._of_person(picture, nearest)

    def _people(self, pyramid: Pyramid) -> list[Person]:
        """Those of whom an eye is seen, the sure ones and the nearest first, in pixels of the picture."""
        seen = self._seen(pyramid, LEAST_SCORE)
        return sorted(paired(seen), key=lambda person: (person.sure, person.width), reverse=True)

    def _seen(self, pyramid: Pyramid, least_score: float, left: int = 0, top: int = 0) -> list[SeenEye]:
        """What the finder sees, in pixels of the picture; the pyramid is of its part that begins at (left, top)."""
        scale = pyramid.longest_side / SIDE
        return [moved(eye, scale, left, top) for eye in self._finder.find(pyramid.grey(SIDE), least_score)]

    def _small_pair(self, picture: RgbImage, pyramid: Pyramid) -> Person | None:
        """Both eyes of somebody who is too far away for the first look, and masked or turned, so that there is no face.

        Two eyes only, and each seen twice: among so many places, some look like one eye.
        """
        height, width = picture.shape[:2]
        across, down = (max(SIDE, side // 2) for side in (width, height))
        guess = [seen_by_haar(outline) for outline in self._faces.eye_pair(pyramid)]
        found = [Person(tuple(guess))] if guess else []
        for top in range(0, max(1, height - down // 2), max(1, down // 2)):
            for left in range(0, max(1, width - across // 2), max(1, across // 2)):
                part = Pyramid(np.ascontiguousarray(picture[top : top + down, left : left + across]), SIDE)
                found += paired(self._seen(part, WORTH_A_LOOK, left, top))
        pairs = [self._looked_at_again(picture, person) for person in found if len(person.eyes) == 2]
        return max((pair for pair in pairs if pair.sure), key=lambda pair: pair.width, default=None)

    def _looked_at_again(self, picture: RgbImage, person: Person) -> Person:
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
        again = self._seen(Pyramid(part, SIDE), LEAST_SCORE, left, top)
        return Person(tuple(seen_again(eye, again) for eye in person.eyes))

    def _of_face(self, picture: RgbImage, face: Face, people: Sequence[Person]) -> FoundEyes:
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

    def _of_person(self, picture: RgbImage, person: Person) -> FoundEyes:
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


def _is_in_front(person: Person, face: Face) -> bool:
    """Whether it is somebody nearer than the face, whose own is not whole."""
    return person.sure and person.width > _IN_FRONT * face.eye_width and not face.has(person.box)


def _side_of(eye: SeenEye, index: int, count: int) -> tuple[EyeSide, SideSource | None]:
    """In a picture that is not mirrored, the left one of two eyes is the person's right one."""
    if count == 2:
        return (EyeSide.RIGHT, EyeSide.LEFT)[index], SideSource.FACE
    if eye.inner_on_left > SURE_OF_SIDE:
        return EyeSide.LEFT, SideSource.INNER_CORNER
    if eye.inner_on_left < 1 - SURE_OF_SIDE:
        return EyeSide.RIGHT, SideSource.INNER_CORNER
    return EyeSide.UNKNOWN, None
