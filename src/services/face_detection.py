"""Finds the eyes of the largest face in a picture. The only file that imports dlib.

dlib's frontal face detector (Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005) and
its 68 landmarks (Kazemi and Sullivan, "One millisecond face alignment", CVPR 2014) come first. Where dlib sees no face,
the Haar face cascade looks, and the Haar eye cascade confirms its landmarks or takes their place.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import dlib
import numpy as np
import numpy.typing as npt

from src.config.settings import Settings
from src.core.errors import StartupError
from src.core.types import Box, EyeRegion, EyeSide, EyeSource, FoundEyes, RgbImage, SideSource
from src.services.assets import Assets
from src.services.haar_cascades import HaarCascades
from src.services.pyramid import Pyramid
from src.utils import geometry

# The 68 points of iBUG 300-W (Sagonas et al., ICCVW 2013). Left and right are the person's own.
_EYE_POINTS = {EyeSide.RIGHT: slice(36, 42), EyeSide.LEFT: slice(42, 48)}

# Longest side in pixels at which faces are looked for, coarse first: dlib needs a face of about 80 px, so what is
# found at 160 is at least half as large as the picture, at 320 a quarter, and therefore the largest face. Processor
# time of one search of a 640x640 picture: 1.5 ms at 160, 5 ms at 320, 19 ms at 640.
_COARSE_SIDES = (160, 320)
_FINE_SIDES = (640, 1280)
# In one eye without a face every size is searched in vain, so one must do; smaller faces are left to the candidates.
_CLOSE_UP_COARSE_SIDES = (288,)
# Faces too small for this size are not what somebody sends who sends one eye.
_CLOSE_UP_FINE_SIDES = (640,)
# A face that fills its hint is half as wide as the hinted region.
_HINT_SIDES = (240, 320)
# The Haar cascade's window of 24 px is here a ninth of the picture. In an upload, 60 of 63 faces an eighth as wide as
# the picture are found; the first look takes 4 ms. Scale steps of 1.25 instead of 1.3 found all 63, but missed a masked
# face, and took an eye and a cat for faces.
_CANDIDATE_SIDE = 208
# Landmarks are placed and cascades run at this size; finer does not move the eyes by more than their own error.
_WORKING_SIDE = 640
# In a hinted region, which is mostly face, half of it moves the eyes by 0.4 % of the face's width.
_HINT_WORKING_SIDE = 320
# Enlarged more than four times, noise looks like eyes to the cascades.
_SMALLEST_FOR_CASCADES = 160
# None of 939 eye close-ups, each as it is and enlarged to 1280 px, was taken for a face at this score.
_MIN_FACE_SCORE = 0.2
# What may be a face and is worth a closer look, of 5 ms. At -1.0 one more of 1,000 faces in uploads was found, but 18
# of 80 close-ups were looked at in vain instead of 8.
_MIN_CANDIDATE_SCORE = -0.75
_MOST_CANDIDATES = 2
# The closer look: around the candidate, and at most so many pixels wide.
_CANDIDATE_REGION = 2.0
_CANDIDATE_REGION_SIDE = 320
# A hinted region larger than this share of the picture saves nothing over the whole picture.
_LARGEST_HINT_SHARE = 0.8

_NOTHING = FoundEyes([], 0)


class FaceDetector:
    """Finds eyes. Safe to call from many threads at once.

    dlib's face detector and OpenCV's cascades crash when threads share them, so every thread gets its own; the
    landmark predictor (100 MB) may be shared, and is.
    """

    def __init__(self, assets: Assets, *, crop_padding_x: float, crop_padding_y: float, mirrored_input: bool) -> None:
        """Loads the landmark file, which takes a second or two.

        Paddings: see `geometry.padded_eye_box`. In mirrored pictures the eye on the left is the person's left one.

        Raises:
            StartupError: a cascade or the landmark file cannot be read.
        """
        self._assets = assets
        self._crop_padding_x = crop_padding_x
        self._crop_padding_y = crop_padding_y
        self._mirrored_input = mirrored_input
        self._own = threading.local()
        # Before the landmark file: whether a cascade can be read is known at once.
        self._haar_cascades()
        self._landmark_predictor = _load_landmark_predictor(assets.landmarks)

    @classmethod
    def from_settings(cls, assets: Assets, settings: Settings) -> FaceDetector:
        """With the settings' paddings and mirroring; see `__init__` for what may be wrong with the assets."""
        return cls(
            assets,
            crop_padding_x=settings.crop_padding_x,
            crop_padding_y=settings.crop_padding_y,
            mirrored_input=settings.mirrored_input,
        )

    def prepare_thread(self) -> None:
        """Makes what the calling thread needs for itself, so that its first picture does not wait for it."""
        self._dlib_detector()
        self._haar_cascades()

    def find_eyes(
        self,
        picture: RgbImage,
        hint: Box | None = None,
        *,
        may_be_close_up: bool = False,
        mirrored: bool | None = None,
    ) -> FoundEyes:
        """The eyes of the largest face, padding included, and how many faces were seen where it was found.

        Args:
            picture: RGB uint8 HxWx3, upright.
            hint: where the client saw a face; looked at first, never trusted.
            may_be_close_up: the picture may show one eye without a face; only a certain face counts then, because
                texture in a close-up is easily taken for an eye.
            mirrored: the picture is, which swaps left and right; None: as the settings say.

        Returns:
            up to two regions in the picture's pixels; no eyes where none was found.
        """
        found = self._eyes_in_hint(picture, hint)
        if not found.eyes:
            found = self._eyes_in_picture(picture, may_be_close_up=may_be_close_up)
        if self._mirrored_input if mirrored is None else mirrored:
            return replace(found, eyes=[replace(eye, side=eye.side.opposite) for eye in found.eyes])
        return found

    def _eyes_in_hint(self, picture: RgbImage, hint: Box | None) -> FoundEyes:
        height, width = picture.shape[:2]
        region = geometry.hint_region(hint, width, height) if hint else None
        if region is None or region.area > _LARGEST_HINT_SHARE * width * height:
            return _NOTHING
        part, left, top = geometry.part_inside(picture, region)
        pyramid = Pyramid(part, _HINT_WORKING_SIDE)
        faces, _doubtful = self._search(pyramid, _HINT_SIDES)
        found = self._eyes_by_landmarks(pyramid, faces)
        return replace(found, eyes=[replace(eye, box=geometry.shifted(eye.box, left, top)) for eye in found.eyes])

    def _eyes_in_picture(self, picture: RgbImage, *, may_be_close_up: bool) -> FoundEyes:
        pyramid = Pyramid(picture, _WORKING_SIDE)
        faces, doubtful = self._search(pyramid, _CLOSE_UP_COARSE_SIDES if may_be_close_up else _COARSE_SIDES)
        if not faces:
            seen_by_haar = self._seen_by_haar(pyramid)
            faces = self._confirmed_faces(pyramid, seen_by_haar[:_MOST_CANDIDATES] + doubtful[:_MOST_CANDIDATES])
            if not faces and may_be_close_up and not seen_by_haar:
                return _NOTHING
        if not faces:
            faces, _doubtful = self._search(pyramid, _CLOSE_UP_FINE_SIDES if may_be_close_up else _FINE_SIDES)
        if faces:
            return self._eyes_by_landmarks(pyramid, faces)
        return self._eyes_by_cascades(pyramid, may_be_close_up=may_be_close_up)

    def _search(self, pyramid: Pyramid, search_sides: Sequence[int]) -> tuple[list[Box], list[Box]]:
        """The faces at the coarsest size that shows one, the largest first, or else what may be one at the last of the
        sizes.

        All in pixels of the working size.
        """
        doubtful: list[Box] = []
        for side in search_sides:
            if side > max(_WORKING_SIDE, 2 * pyramid.longest_side):
                break
            faces, doubtful = self._dlib_faces(pyramid.roughly_at(side), pyramid.working_side / side)
            if faces:
                return faces, []
        return [], doubtful

    def _seen_by_haar(self, pyramid: Pyramid) -> list[Box]:
        found = self._haar_cascades().face_candidates(pyramid.grey(_CANDIDATE_SIDE))
        return [_dlib_box_of_haar_face(geometry.scaled(face, pyramid.working_side / _CANDIDATE_SIDE)) for face in found]

    def _confirmed_faces(self, pyramid: Pyramid, candidates: Sequence[Box]) -> list[Box]:
        """What dlib takes for faces when it looks closer at the first candidate that shows one, the largest first, in
        pixels of the working size.
        """
        if not candidates:
            return []
        picture = pyramid.at(pyramid.working_side)
        height, width = picture.shape[:2]
        for candidate in candidates:
            region = geometry.clipped(geometry.enlarged(candidate, _CANDIDATE_REGION), width, height)
            if region is None:
                continue
            part, left, top = geometry.part_inside(picture, region)
            factor = min(1.0, _CANDIDATE_REGION_SIDE / max(part.shape[:2]))
            if factor < 1:
                part = np.asarray(cv2.resize(part, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
            faces, _doubtful = self._dlib_faces(part, 1 / factor)
            if faces:
                return [geometry.shifted(face, left, top) for face in faces]
        return []

    def _dlib_faces(self, rgb: RgbImage, scale: float) -> tuple[list[Box], list[Box]]:
        """Certain faces, the largest first, and what may be one, the likeliest first; both enlarged by `scale`.

        In grey dlib would be a quarter quicker, but see fewer faces in the dark.
        """
        found, scores, _detectors = self._dlib_detector().run(rgb, 0, _MIN_CANDIDATE_SCORE)
        boxes = [geometry.scaled(Box(face.left(), face.top(), face.width(), face.height()), scale) for face in found]
        certain = [box for box, score in zip(boxes, scores, strict=True) if score >= _MIN_FACE_SCORE]
        doubtful = [box for box, score in zip(boxes, scores, strict=True) if score < _MIN_FACE_SCORE]
        return sorted(certain, key=lambda box: box.area, reverse=True), doubtful

    def _eyes_by_landmarks(self, pyramid: Pyramid, faces: Sequence[Box]) -> FoundEyes:
        if not faces:
            return _NOTHING
        points = self._landmarks(pyramid, faces[0])
        return FoundEyes([self._region_of(side, points, pyramid) for side in _EYE_POINTS], len(faces))

    def _landmarks(self, pyramid: Pyramid, face: Box) -> npt.NDArray[np.float64]:
        """68 x (x, y); face and points in pixels of the working size."""
        rectangle = dlib.rectangle(round(face.x), round(face.y), round(face.right), round(face.bottom))
        shape = self._landmark_predictor(pyramid.at(pyramid.working_side), rectangle)
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)

    def _region_of(self, side: EyeSide, points: npt.NDArray[np.float64], pyramid: Pyramid) -> EyeRegion:
        eye = points[_EYE_POINTS[side]]
        (left, top), (right, bottom) = eye.min(axis=0), eye.max(axis=0)
        # The landmarks' own extent, not dlib's box: that one comes in steps of a fifth, and crops would jump with it.
        face_width = float(np.ptp(points[:, 0]))
        opening = Box(left, top, right - left, bottom - top)
        region = self._padded(side, opening, face_width, EyeSource.LANDMARKS, pyramid)
        return replace(region, openness=geometry.eye_openness(eye))

    def _padded(self, side: EyeSide, opening: Box, face_width: float, source: EyeSource, pyramid: Pyramid) -> EyeRegion:
        box = geometry.padded_eye_box(opening, face_width, self._crop_padding_x, self._crop_padding_y)
        in_picture = geometry.scaled(box, pyramid.longest_side / pyramid.working_side)
        return EyeRegion(side, in_picture, source, side_from=SideSource.FACE)

    def _eyes_by_cascades(self, pyramid: Pyramid, *, may_be_close_up: bool) -> FoundEyes:
        if pyramid.longest_side < _SMALLEST_FOR_CASCADES:
            return _NOTHING
        grey = pyramid.grey(_WORKING_SIDE)
        cascades = self._haar_cascades()
        for face in cascades.faces(grey):
            eyes = cascades.eyes_of_face(grey, face)
            if len(eyes) == 2 or (eyes and not may_be_close_up):
                regions = self._confirmed_landmarks(pyramid, face, eyes) or [
                    self._region_of_haar_eye(side, eye, pyramid) for side, eye in eyes.items()
                ]
                return FoundEyes(regions, 1)
        if may_be_close_up:
            return _NOTHING
        pair = cascades.eye_pair(grey)
        return FoundEyes([self._region_of_haar_eye(side, eye, pyramid) for side, eye in pair.items()], 0)

    def _confirmed_landmarks(self, pyramid: Pyramid, face: Box, haar_eyes: dict[EyeSide, Box]) -> list[EyeRegion]:
        """Both eyes by landmarks, if each eye that the cascade saw is where the landmarks say."""
        points = self._landmarks(pyramid, _dlib_box_of_haar_face(face))
        for side, haar_eye in haar_eyes.items():
            x, y = points[_EYE_POINTS[side]].mean(axis=0)
            if not geometry.contains(haar_eye, x, y):
                return []
        return [self._region_of(side, points, pyramid) for side in _EYE_POINTS]

    def _region_of_haar_eye(self, side: EyeSide, haar_eye: Box, pyramid: Pyramid) -> EyeRegion:
        opening, face_width = _opening_in_haar_eye(haar_eye)
        return self._padded(side, opening, face_width, EyeSource.EYE_CASCADE, pyramid)

    def _dlib_detector(self) -> dlib.fhog_object_detector:
        detector = getattr(self._own, "dlib_detector", None)
        if detector is None:
            detector = self._own.dlib_detector = dlib.get_frontal_face_detector()
        return detector

    def _haar_cascades(self) -> HaarCascades:
        cascades: HaarCascades | None = getattr(self._own, "haar_cascades", None)
        if cascades is None:
            cascades = self._own.haar_cascades = HaarCascades(self._assets.face_cascade, self._assets.eye_cascade)
        return cascades


def _load_landmark_predictor(file: Path) -> dlib.shape_predictor:
    try:
        return dlib.shape_predictor(str(file))
    except RuntimeError:
        raise StartupError(f"{file} is missing or is not a dlib landmark file.") from None


def _dlib_box_of_haar_face(face: Box) -> Box:
    """Where dlib's detector would draw the box that the landmark predictor was trained on.

    Medians over 61 portraits in which both detectors found the face.
    """
    return Box(face.x + 0.05 * face.width, face.y + 0.14 * face.height, 0.87 * face.width, 0.875 * face.height)


def _opening_in_haar_eye(eye: Box) -> tuple[Box, float]:
    """The eye's opening, and the width of its face, as the landmarks would say.

    Medians over 111 eyes in portraits in which both were found.
    """
    width, height = 0.64 * eye.width, 0.22 * eye.height
    centre_x, centre_y = eye.x + 0.5 * eye.width, eye.y + 0.53 * eye.height
    return Box(centre_x - width / 2, centre_y - height / 2, width, height), 3.8 * eye.width
