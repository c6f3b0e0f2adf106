"""Finds the largest whole face in a picture, and its eyes. The only file that imports dlib.

dlib's frontal face detector (Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005) and
its 68 landmarks (Kazemi and Sullivan, "One millisecond face alignment", CVPR 2014) come first. Where dlib sees no face,
the Haar face cascade looks, and the Haar eye cascade confirms its landmarks or takes their place.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import dlib
import numpy as np
import numpy.typing as npt

from src.core.errors import StartupError
from src.core.types import Box, EyeSide, EyeSource, Floats, RgbImage
from src.services.assets import Assets
from src.services.haar_cascades import HaarCascades
from src.services.pyramid import Pyramid
from src.utils import geometry

# The 68 points of iBUG 300-W (Sagonas et al., ICCVW 2013). Left and right are the person's own.
_EYE_POINTS = {EyeSide.RIGHT: slice(36, 42), EyeSide.LEFT: slice(42, 48)}

# Longest side in pixels at which faces are looked for, coarse first: dlib needs a face of about 80 px, so what is
# found at 160 is at least half as large as the picture, at 320 a quarter, and therefore the largest face. Processor
# time of one search of a 640x640 picture: 1.5 ms at 160, 5 ms at 320, 19 ms at 640, 75 ms at 1280, where a face of a
# sixteenth of the picture is found.
_COARSE_SIDES = (160, 320)
_FINE_SIDES = (640, 1280)
# A face that fills its hint is half as wide as the hinted region.
_HINT_SIDES = (240, 320)
# The Haar cascade's window of 24 px is here a ninth of the picture. In an upload, 60 of 63 faces an eighth as wide as
# the picture are found; the first look takes 4 ms. Scale steps of 1.25 instead of 1.3 found all 63, but missed a masked
# face, and took an eye and a cat for faces.
_CANDIDATE_SIDE = 208
# Landmarks are placed and cascades run at this size; finer does not move the eyes by more than their own error.
WORKING_SIDE = 640
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
# A face that is wider than this share of the picture leaves no room for another one of its size.
_LEAVES_ROOM = 0.45
# Pixels of the width of a face at which dlib also sees others that are a quarter smaller.
_SURELY_SEEN = 110
# A hinted region larger than this share of the picture saves nothing over the whole picture.
_LARGEST_HINT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Face:
    """The largest face in a picture, in its pixels.

    Attributes:
        eyes: by side, the person's own in a picture that is not mirrored: the outlines of one or two, 6 x (x, y), as
            iBUG 300-W orders them.
        source: what found the eyes.
        boxes: of all faces that were seen where it was found, its own first.
    """

    eyes: dict[EyeSide, Floats]
    source: EyeSource
    boxes: tuple[Box, ...]

    @property
    def count(self) -> int:
        return len(self.boxes)

    @property
    def eye_width(self) -> float:
        """Mean distance of the corners."""
        return float(np.mean([geometry.corner_distance(outline) for outline in self.eyes.values()]))

    def has(self, eyes: Box) -> bool:
        """Whether eyes are those of one of the faces."""
        x, y = eyes.x + eyes.width / 2, eyes.y + eyes.height / 2
        return any(geometry.contains(geometry.enlarged(box, 1.2), x, y) for box in self.boxes)

    def moved(self, scale: float, x: float, y: float) -> Face:
        """In pixels of a picture of which this one is a part, enlarged by `scale`, with its corner at (x, y)."""
        return Face(
            {side: outline * scale + (x, y) for side, outline in self.eyes.items()},
            self.source,
            tuple(geometry.shifted(geometry.scaled(box, scale), x, y) for box in self.boxes),
        )


class FaceDetector:
    """Finds whole faces. Safe to call from many threads at once.

    dlib's face detector and OpenCV's cascades crash when threads share them, so every thread gets its own; the
    landmark predictor (100 MB) may be shared, and is.
    """

    def __init__(self, assets: Assets) -> None:
        """Loads the landmark file, which takes a second or two.

        Raises:
            StartupError: a cascade or the landmark file cannot be read.
        """
        self._assets = assets
        self._own = threading.local()
        # Before the landmark file: whether a cascade can be read is known at once.
        self._haar_cascades()
        self._landmark_predictor = _load_landmark_predictor(assets.landmarks)

    def prepare_thread(self) -> None:
        """Makes what the calling thread needs for itself, so that its first picture does not wait for it."""
        self._dlib_detector()
        self._haar_cascades()

    def find_in_hint(self, picture: RgbImage, hint: Box) -> Face | None:
        """The face where a client says that one is; None where there is none, or the hint is of no use."""
        height, width = picture.shape[:2]
        region = geometry.hint_region(hint, width, height)
        if region is None or region.area > _LARGEST_HINT_SHARE * width * height:
            return None
        part, left, top = geometry.part_inside(picture, region)
        pyramid = Pyramid(part, _HINT_WORKING_SIDE)
        faces, _doubtful = self._search(pyramid, _HINT_SIDES)
        face = self._face_by_landmarks(pyramid, faces)
        return face and face.moved(pyramid.longest_side / pyramid.working_side, left, top)

    def find(self, pyramid: Pyramid, *, thoroughly: bool) -> Face | None:
        """The largest face in a picture; small ones, and those that Haar alone sees, only if `thoroughly`."""
        faces, doubtful = self._search(pyramid, _COARSE_SIDES)
        if not faces:
            candidates = self._seen_by_haar(pyramid)[:_MOST_CANDIDATES] + doubtful[:_MOST_CANDIDATES]
            faces = self._confirmed_faces(pyramid, candidates)
        if not faces and thoroughly:
            faces, _doubtful = self._search(pyramid, _FINE_SIDES)
        faces = self._with_those_beside(pyramid, faces)
        face = self._face_by_landmarks(pyramid, faces)
        if face is None and thoroughly:
            face = self._face_by_cascades(pyramid)
        return face and face.moved(pyramid.longest_side / pyramid.working_side, 0, 0)

    def eye_pair(self, pyramid: Pyramid) -> list[Floats]:
        """The outlines of what Haar's eye cascade takes for two eyes side by side, the left one first; guesses."""
        if pyramid.longest_side < _SMALLEST_FOR_CASCADES:
            return []
        pair = self._haar_cascades().eye_pair(pyramid.grey(WORKING_SIDE))
        scale = pyramid.longest_side / pyramid.working_side
        return [_outline_in_haar_eye(pair[side]) * scale for side in (EyeSide.RIGHT, EyeSide.LEFT) if side in pair]

    def _search(self, pyramid: Pyramid, search_sides: Sequence[int]) -> tuple[list[Box], list[Box]]:
        """The faces at the coarsest size that shows one, the largest first, or else what may be one at the last of the
        sizes.

        All in pixels of the working size.
        """
        doubtful: list[Box] = []
        for side in search_sides:
            if side > max(WORKING_SIDE, 2 * pyramid.longest_side):
                break
            faces, doubtful = self._dlib_faces(pyramid.roughly_at(side), pyramid.working_side / side)
            if faces:
                return faces, []
        return [], doubtful

    def _with_those_beside(self, pyramid: Pyramid, faces: list[Box]) -> list[Box]:
        """The largest face first, and all that are nearly as large, where there is room for others beside it."""
        if not faces or faces[0].width > _LEAVES_ROOM * pyramid.working_side:
            return faces
        side = min(max(_FINE_SIDES), round(_SURELY_SEEN * pyramid.working_side / faces[0].width))
        seen, _doubtful = self._dlib_faces(pyramid.roughly_at(side), pyramid.working_side / side)
        return faces + [box for box in seen if not any(_is_same(box, face) for face in faces)]

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

    def _face_by_landmarks(self, pyramid: Pyramid, faces: Sequence[Box]) -> Face | None:
        if not faces:
            return None
        points = self._landmarks(pyramid, faces[0])
        return Face({side: points[eye] for side, eye in _EYE_POINTS.items()}, EyeSource.LANDMARKS, tuple(faces))

    def _landmarks(self, pyramid: Pyramid, face: Box) -> npt.NDArray[np.float64]:
        """68 x (x, y); face and points in pixels of the working size."""
        rectangle = dlib.rectangle(round(face.x), round(face.y), round(face.right), round(face.bottom))
        shape = self._landmark_predictor(pyramid.at(pyramid.working_side), rectangle)
        return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64)

    def _face_by_cascades(self, pyramid: Pyramid) -> Face | None:
        if pyramid.longest_side < _SMALLEST_FOR_CASCADES:
            return None
        grey = pyramid.grey(WORKING_SIDE)
        cascades = self._haar_cascades()
        for box in cascades.faces(grey):
            eyes = cascades.eyes_of_face(grey, box)
            face = self._confirmed_landmarks(pyramid, box, eyes) if eyes else None
            if face is not None or len(eyes) == 2:
                return face or Face(
                    {side: _outline_in_haar_eye(eye) for side, eye in eyes.items()}, EyeSource.EYE_CASCADE, (box,)
                )
        return None

    def _confirmed_landmarks(self, pyramid: Pyramid, box: Box, haar_eyes: dict[EyeSide, Box]) -> Face | None:
        """Both eyes by landmarks, if each eye that the cascade saw is where the landmarks say."""
        points = self._landmarks(pyramid, _dlib_box_of_haar_face(box))
        for side, haar_eye in haar_eyes.items():
            x, y = points[_EYE_POINTS[side]].mean(axis=0)
            if not geometry.contains(haar_eye, x, y):
                return None
        return Face({side: points[eye] for side, eye in _EYE_POINTS.items()}, EyeSource.LANDMARKS, (box,))

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


def _is_same(box: Box, other: Box) -> bool:
    shared = geometry.overlap(box, other)
    return shared is not None and shared.area > 0.3 * min(box.area, other.area)


def _dlib_box_of_haar_face(face: Box) -> Box:
    """Where dlib's detector would draw the box that the landmark predictor was trained on.

    Medians over 61 portraits in which both detectors found the face.
    """
    return Box(face.x + 0.05 * face.width, face.y + 0.14 * face.height, 0.87 * face.width, 0.875 * face.height)


def _outline_in_haar_eye(eye: Box) -> Floats:
    """The eye's outline, as the landmarks would draw it.

    Medians over 111 eyes in portraits in which both were found.
    """
    half_width, half_height = 0.32 * eye.width, 0.11 * eye.height
    centre = np.array([eye.x + 0.5 * eye.width, eye.y + 0.53 * eye.height])
    return np.asarray(centre + _LENS * (half_width, half_height))


# An outline of an eye between -1 and 1.
_LENS = np.array([(-1, 0), (-1 / 3, -1), (1 / 3, -1), (1, 0), (1 / 3, 1), (-1 / 3, 1)])
