"""The cascades find faces and eyes, and tell the sides apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from src.core.types import Box, EyeSide, RgbImage
from src.services.assets import Assets
from src.services.haar_cascades import HaarCascades
from src.services.pyramid import GreyImage

# Seen by eye in the 640x640 portrait.
PUPILS = {EyeSide.RIGHT: (255, 126), EyeSide.LEFT: (308, 129)}


@pytest.fixture(scope="module")
def cascades(assets: Assets) -> HaarCascades:
    return HaarCascades(assets.face_cascade, assets.eye_cascade)


@pytest.fixture(scope="module")
def grey_face(face: RgbImage) -> GreyImage:
    return np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY))


def assert_on_pupils(eyes: dict[EyeSide, Box]) -> None:
    assert eyes.keys() == PUPILS.keys()
    for side, (x, y) in PUPILS.items():
        assert eyes[side].x + eyes[side].width / 2 == pytest.approx(x, abs=6)
        assert eyes[side].y + eyes[side].height / 2 == pytest.approx(y, abs=6)


def test_the_face_is_found(cascades: HaarCascades, grey_face: GreyImage) -> None:
    face = cascades.faces(grey_face)[0]
    assert all(face.x < x < face.right and face.y < y < face.bottom for x, y in PUPILS.values())
    assert 90 < face.width < 180


def test_the_largest_face_comes_first(cascades: HaarCascades, grey_face: GreyImage) -> None:
    picture = np.full((640, 960), 90, np.uint8)
    picture[:320, :320] = cv2.resize(grey_face, (320, 320))
    picture[:, 320:] = grey_face
    faces = cascades.faces(picture)
    assert len(faces) >= 2
    assert faces[0].x > 320
    assert [face.area for face in faces] == sorted((face.area for face in faces), reverse=True)


@pytest.mark.parametrize("side", [208, 320, 640])
def test_a_face_is_among_the_candidates_at_a_fraction_of_the_size(
    cascades: HaarCascades, grey_face: GreyImage, side: int
) -> None:
    candidates = cascades.face_candidates(np.asarray(cv2.resize(grey_face, (side, side))))
    pupils = [(x * side / 640, y * side / 640) for x, y in PUPILS.values()]
    assert any(
        all(box.x < x < box.right and box.y < y < box.bottom for x, y in pupils) and box.width < 0.35 * side
        for box in candidates
    )


def test_the_eyes_of_a_face_are_on_their_own_sides_unless_covered_or_outside_the_picture(
    cascades: HaarCascades, grey_face: GreyImage
) -> None:
    face = cascades.faces(grey_face)[0]
    assert_on_pupils(cascades.eyes_of_face(grey_face, face))
    covered = grey_face.copy()
    covered[100:150, 285:340] = 128
    assert cascades.eyes_of_face(covered, face).keys() == {EyeSide.RIGHT}
    for outside in (Box(-500, -500, 200, 200), Box(630, 630, 200, 200), Box(900, 0, 100, 100)):
        assert cascades.eyes_of_face(grey_face, outside) == {}


def test_a_pair_of_eyes_needs_no_face_around_it(cascades: HaarCascades, grey_face: GreyImage) -> None:
    strip = np.full_like(grey_face, 128)
    strip[100:145] = grey_face[100:145]
    assert cascades.faces(strip) == []
    assert_on_pupils(cascades.eye_pair(strip))


@pytest.mark.parametrize(
    ("places", "is_pair"),
    [([(230, 0), (290, 0)], True), ([(230, 0)], False), ([(230, 0), (290, 30)], False), ([(30, 0), (500, 0)], False)],
    ids=["a pair", "one eye", "at different heights", "far apart"],
)
def test_two_eyes_are_a_pair_beside_each_other(
    cascades: HaarCascades, grey_face: GreyImage, places: list[tuple[int, int]], is_pair: bool
) -> None:
    picture = np.full_like(grey_face, 128)
    for left, drop in places:
        picture[100 + drop : 145 + drop, left : left + 55] = grey_face[100:145, 230:285]
    assert cascades.eye_pair(picture).keys() == (PUPILS.keys() if is_pair else set())


def test_a_flat_picture_has_nothing(cascades: HaarCascades) -> None:
    flat = np.full((480, 640), 128, np.uint8)
    assert cascades.faces(flat) == []
    assert cascades.face_candidates(flat) == []
    assert cascades.eye_pair(flat) == {}
