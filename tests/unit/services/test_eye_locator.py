"""Eyes are found where they are, as the person's own, at any size, by whichever detector sees them."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest

from src.config.settings import Settings
from src.core.errors import StartupError
from src.core.types import Box, EyeRegion, EyeSide, EyeSource, RgbImage, SideSource
from src.services.assets import Assets
from src.services.eye_locator import EyeLocator
from src.services.face_detection import _MIN_FACE_SCORE, FaceDetector
from src.services.pyramid import Pyramid
from src.utils.geometry import cut, shifted
from src.utils.image_codec import decode_picture
from src.utils.preprocessing import resize
from tests.conftest import SHARED_DATA

# Seen by eye in the 640x640 portrait. In an unmirrored picture, the person's right eye is on the left.
PUPILS = {EyeSide.RIGHT: (255, 126), EyeSide.LEFT: (308, 129)}
FACE_CORNER, FACE_CENTRE = Box(225, 85, 110, 120), Box(280, 145, 110, 120)
FACES = SHARED_DATA / "faces"
NAN, INFINITE = float("nan"), float("inf")


def by_side(eyes: list[EyeRegion]) -> dict[EyeSide, EyeRegion]:
    sides = {eye.side: eye for eye in eyes}
    assert len(sides) == len(eyes)
    return sides


def assert_shows_both_eyes(eyes: list[EyeRegion], scale: float = 1, x: float = 0, y: float = 0) -> None:
    """Each box has its pupil in the middle, a little low because the brow is in it, and is as large as an eye."""
    found = by_side(eyes)
    assert found.keys() == {EyeSide.LEFT, EyeSide.RIGHT}
    for side, (pupil_x, pupil_y) in PUPILS.items():
        box = found[side].box
        assert 35 * scale < box.width < 60 * scale
        assert 30 * scale < box.height < 60 * scale
        assert 0.4 < (x + pupil_x * scale - box.x) / box.width < 0.6
        assert 0.45 < (y + pupil_y * scale - box.y) / box.height < 0.7


def assert_same_boxes(eyes: list[EyeRegion], others: list[EyeRegion], tolerance: float) -> None:
    left, right = by_side(eyes), by_side(others)
    assert left.keys() == right.keys()
    for side in left:
        for edge in ("x", "y", "right", "bottom"):
            assert getattr(left[side].box, edge) == pytest.approx(getattr(right[side].box, edge), abs=tolerance)


def on_canvas(picture: RgbImage, width: int, height: int, x: int, y: int) -> RgbImage:
    canvas = np.full((height, width, 3), 90, np.uint8)
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas


def grey_below(face: RgbImage, row: int) -> RgbImage:
    """As under a mask: dlib does not take it for a face, the Haar cascades do."""
    masked = face.copy()
    masked[row:] = 128
    return masked


@pytest.fixture(scope="module")
def masked_mouth(face: RgbImage) -> RgbImage:
    return grey_below(face, 158)


@pytest.fixture(scope="module")
def masked_nose(face: RgbImage) -> RgbImage:
    """So much is masked that there is no face left to see, only two eyes."""
    return grey_below(face, 150)


@pytest.fixture(scope="module")
def blurred_face(face: RgbImage) -> RgbImage:
    """Only the Haar face cascade takes it for a face, and the eye cascade sees but one of its eyes."""
    return np.asarray(cv2.GaussianBlur(face, (31, 31), 0), np.uint8)


@pytest.fixture(scope="module")
def strip(face: RgbImage) -> RgbImage:
    """Both eyes and no face around them."""
    return np.ascontiguousarray(face[95:150, 200:370])


@pytest.fixture(scope="module")
def mirrored_locator(assets: Assets, settings: Settings) -> EyeLocator:
    return EyeLocator.from_settings(assets, settings.model_copy(update={"mirrored_input": True}))


def noise(side: int, seed: int) -> RgbImage:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


class TestOpenness:
    def test_open_eyes_are_as_open_as_the_paper_says_and_less_so_squeezed_flat(
        self, locator: EyeLocator, face: RgbImage
    ) -> None:
        flat = by_side(locator.find_eyes(resize(face, 760, 600)).eyes)
        for side, eye in by_side(locator.find_eyes(face).eyes).items():
            assert eye.openness is not None
            assert 0.2 < eye.openness < 0.5
            assert flat[side].openness == pytest.approx(eye.openness * 600 / 760, rel=0.15)

    def test_it_goes_with_its_eye_into_a_hinted_region_and_a_mirrored_picture(
        self, locator: EyeLocator, mirrored_locator: EyeLocator, face: RgbImage
    ) -> None:
        plain, swapped = by_side(locator.find_eyes(face).eyes), by_side(mirrored_locator.find_eyes(face).eyes)
        hinted = by_side(locator.find_eyes(face, Box(225, 85, 110, 120)).eyes)
        for side in PUPILS:
            assert swapped[side.opposite].openness == plain[side].openness
            assert hinted[side].openness == pytest.approx(plain[side].openness, abs=0.08)


class TestFace:
    def test_both_eyes_are_found_by_landmarks(self, locator: EyeLocator, face: RgbImage) -> None:
        eyes = locator.find_eyes(face).eyes
        assert_shows_both_eyes(eyes)
        assert {(eye.source, eye.side_from) for eye in eyes} == {(EyeSource.LANDMARKS, SideSource.FACE)}
        # The brows are in the crops.
        assert by_side(eyes)[EyeSide.RIGHT].box.y < 108
        assert by_side(eyes)[EyeSide.LEFT].box.y < 112

    def test_the_same_is_cut_out_at_any_size(self, locator: EyeLocator, face: RgbImage) -> None:
        at_640 = locator.find_eyes(face).eyes
        for side in (320, 500, 1920, 4000):
            scale = side / 640
            eyes = locator.find_eyes(resize(face, side, side)).eyes
            assert_shows_both_eyes(eyes, scale)
            shrunk = [
                EyeRegion(eye.side, Box(*(value / scale for value in dataclasses.astuple(eye.box))), eye.source)
                for eye in eyes
            ]
            assert_same_boxes(shrunk, at_640, tolerance=3)

    @pytest.mark.parametrize(("width", "height"), [(640, 480), (480, 640), (1000, 640)])
    def test_a_face_that_browsers_have_squeezed_is_found(
        self, locator: EyeLocator, face: RgbImage, width: int, height: int
    ) -> None:
        found = by_side(locator.find_eyes(resize(face, width, height)).eyes)
        assert found.keys() == {EyeSide.LEFT, EyeSide.RIGHT}
        for side, (x, y) in PUPILS.items():
            box = found[side].box
            assert box.x < x * width / 640 < box.right
            assert box.y < y * height / 640 < box.bottom

    def test_a_picture_can_be_dark(self, locator: EyeLocator, face: RgbImage) -> None:
        assert_shows_both_eyes(locator.find_eyes((face * 0.15).astype(np.uint8)).eyes)

    @pytest.mark.parametrize("large_is_left", [True, False])
    @pytest.mark.parametrize("scale", [1.4, 2, 3])
    def test_of_two_faces_it_is_the_larger(
        self, locator: EyeLocator, face: RgbImage, scale: float, large_is_left: bool
    ) -> None:
        head = np.ascontiguousarray(face[20:240, 170:390])
        side = round(220 * scale)
        x_large, x_small = (0, side) if large_is_left else (220, 0)
        picture = on_canvas(resize(head, side, side), side + 220, side, x_large, 0)
        picture[:220, x_small : x_small + 220] = head
        assert_shows_both_eyes(locator.find_eyes(picture).eyes, scale, x=x_large - 170 * scale, y=-20 * scale)

    @pytest.mark.parametrize("people", [1, 2, 3])
    def test_it_says_how_many_there_were(self, locator: EyeLocator, face: RgbImage, people: int) -> None:
        heads = np.concatenate([face[20:240, 170:390]] * people, axis=1)
        found = locator.find_eyes(heads)
        assert (len(found.eyes), found.faces) == (2, people)

    @pytest.mark.parametrize("side", [200, 640, 1000])
    def test_noise_has_no_eyes(self, locator: EyeLocator, side: int) -> None:
        assert [locator.find_eyes(noise(side, seed)).eyes for seed in range(3)] == [[], [], []]

    @pytest.mark.parametrize("shape", [(32, 20_000), (20_000, 32), (32, 1_200_000), (1_200_000, 32), (640, 640)])
    def test_a_flat_picture_of_any_proportions_has_no_eyes(self, locator: EyeLocator, shape: tuple[int, int]) -> None:
        for level in (0, 128, 255) if shape == (640, 640) else (100,):
            assert locator.find_eyes(np.full((*shape, 3), level, np.uint8)).eyes == []

    def test_the_picture_is_not_changed(self, locator: EyeLocator, face: RgbImage) -> None:
        before = face.copy()
        locator.find_eyes(face, FACE_CORNER)
        assert np.array_equal(face, before)


@pytest.mark.parametrize("told", [True, False])
def test_whoever_asks_knows_better_than_the_settings_whether_a_picture_is_mirrored(
    locator: EyeLocator, mirrored_locator: EyeLocator, face: RgbImage, told: bool
) -> None:
    expected = (mirrored_locator if told else locator).find_eyes(face)
    assert locator.find_eyes(face, mirrored=told) == mirrored_locator.find_eyes(face, mirrored=told) == expected
    plain, swapped = by_side(locator.find_eyes(face).eyes), by_side(locator.find_eyes(face, mirrored=True).eyes)
    assert {side: eye.box for side, eye in swapped.items()} == {side.opposite: eye.box for side, eye in plain.items()}


def test_left_and_right_are_the_persons_own_in_a_mirrored_picture_too(
    mirrored_locator: EyeLocator, face: RgbImage, masked_nose: RgbImage
) -> None:
    found = by_side(mirrored_locator.find_eyes(np.ascontiguousarray(face[:, ::-1])).eyes)
    for side, (x, _y) in PUPILS.items():
        assert found[side].box.x < 639 - x < found[side].box.right
    found = by_side(mirrored_locator.find_eyes(masked_nose).eyes)
    assert {eye.source for eye in found.values()} == {EyeSource.EYE_FINDER}
    assert found[EyeSide.LEFT].box.x < found[EyeSide.RIGHT].box.x


class TestPadding:
    @pytest.mark.parametrize(("padding_x", "padding_y"), [(60, 0), (0, 60)])
    def test_it_is_what_the_settings_say(
        self,
        assets: Assets,
        settings: Settings,
        locator: EyeLocator,
        face: RgbImage,
        padding_x: float,
        padding_y: float,
    ) -> None:
        paddings = {"crop_padding_x": padding_x, "crop_padding_y": padding_y}
        other = EyeLocator.from_settings(assets, settings.model_copy(update=paddings))
        usual, padded = by_side(locator.find_eyes(face).eyes), by_side(other.find_eyes(face).eyes)
        eye_width = 22  # of the landmarks, from corner to corner
        for side in PUPILS:
            wider = padded[side].box.width - usual[side].box.width
            higher = padded[side].box.height - usual[side].box.height
            assert wider == pytest.approx(2 * (padding_x - 20) * eye_width / 35, abs=3)
            assert higher == pytest.approx(1.5 * (padding_y - 40) * eye_width / 35, abs=3)


class TestHint:
    @pytest.mark.parametrize("hint", [FACE_CORNER, FACE_CENTRE], ids=["corner", "centre"])
    def test_a_good_hint_gives_the_same_eyes_also_of_a_face_too_small_to_be_found_without(
        self, locator: EyeLocator, face: RgbImage, hint: Box
    ) -> None:
        assert_same_boxes(locator.find_eyes(face, hint).eyes, locator.find_eyes(face).eyes, tolerance=2.5)
        picture = on_canvas(face, 3600, 3600, 300, 200)
        assert locator.find_eyes(picture).eyes == []
        assert_shows_both_eyes(locator.find_eyes(picture, shifted(hint, 300, 200)).eyes, x=300, y=200)

    @pytest.mark.parametrize(
        "hint",
        [
            Box(0, 0, 0, 0),
            Box(0, 0, 1, 1),
            Box(639.5, 0, 10, 10),
            Box(-1, 0, 1.4, 2000),
            Box(0, 300, 2000, 0.6),
            Box(0, 0, 640, 640),
            Box(-1e308, -1e308, 1e308, 1e308),
            Box(NAN, 10, 50, 50),
            Box(0, 0, INFINITE, INFINITE),
            Box(400, 400, 200, 200),
        ],
    )
    def test_a_bad_hint_does_no_harm(self, locator: EyeLocator, face: RgbImage, hint: Box) -> None:
        assert_shows_both_eyes(locator.find_eyes(face, hint).eyes)


class TestHaarFallback:
    def test_where_there_is_no_face_to_see_the_finder_finds_both_eyes_however_small(
        self, locator: EyeLocator, face: RgbImage, masked_nose: RgbImage
    ) -> None:
        found = locator.find_eyes(masked_nose)
        eyes = found.eyes
        assert found.faces == 0
        assert {(eye.source, eye.side_from) for eye in eyes} == {(EyeSource.EYE_FINDER, SideSource.FACE)}
        assert_shows_both_eyes(eyes)
        # About what the landmarks would cut out.
        assert_same_boxes(eyes, locator.find_eyes(face).eyes, tolerance=8)

    @pytest.mark.parametrize("picture", ["masked_mouth", "blurred_face"])
    def test_a_face_that_only_haar_sees_gets_landmarks_if_its_eyes_confirm_them(
        self, locator: EyeLocator, request: pytest.FixtureRequest, picture: str
    ) -> None:
        seen = request.getfixturevalue(picture)
        dlib_detector = dlib.get_frontal_face_detector()
        for side in (320, 640, 1280):
            faces, _scores, _detectors = dlib_detector.run(resize(seen, side, side), 0, _MIN_FACE_SCORE)
            assert len(faces) == 0
        found = locator.find_eyes(seen)
        eyes = found.eyes
        assert found.faces == 1
        assert {eye.source for eye in eyes} == {EyeSource.LANDMARKS}
        assert_shows_both_eyes(eyes)

    def test_landmarks_that_the_cascades_eyes_contradict_are_not_used(self, assets: Assets, face: RgbImage) -> None:
        detector = FaceDetector(assets)
        pyramid, cascades = Pyramid(face, 640), detector._haar_cascades()
        haar_face = cascades.faces(pyramid.grey(640))[0]
        eyes = cascades.eyes_of_face(pyramid.grey(640), haar_face)
        cheeks = {side: shifted(eye, 0, 30) for side, eye in eyes.items()}
        confirmed = detector._confirmed_landmarks(pyramid, haar_face, eyes)
        assert confirmed is not None
        for side, (x, y) in PUPILS.items():
            assert confirmed.eyes[side].mean(axis=0) == pytest.approx((x, y), abs=6)
        assert detector._confirmed_landmarks(pyramid, haar_face, cheeks) is None

    def test_two_eyes_without_a_face_are_found(self, locator: EyeLocator, strip: RgbImage) -> None:
        eyes = locator.find_eyes(strip).eyes
        assert {eye.source for eye in eyes} == {EyeSource.EYE_FINDER}
        assert all(eye.openness is not None and 0.2 < eye.openness < 0.5 for eye in eyes)
        found = by_side(eyes)
        for side, (x, y) in PUPILS.items():
            assert found[side].box.x < x - 200 < found[side].box.right
            assert found[side].box.y < y - 95 < found[side].box.bottom


class TestCloseUp:
    def test_a_clear_face_and_one_with_two_clear_eyes_that_only_haar_sees_are_found_all_the_same(
        self, locator: EyeLocator, face: RgbImage, masked_mouth: RgbImage
    ) -> None:
        for picture in (face, masked_mouth):
            assert_shows_both_eyes(locator.find_eyes(picture).eyes)

    @pytest.mark.parametrize("side", [800, 560])
    def test_a_face_that_fills_a_small_part_of_the_picture_is_found(
        self, locator: EyeLocator, face: RgbImage, side: int
    ) -> None:
        """The face is an eighth to a sixth as wide as the picture: only the candidates lead to it."""
        picture = on_canvas(resize(face, 560, 560), side, side, side - 560, 0)
        eyes = locator.find_eyes(picture).eyes
        assert_shows_both_eyes(eyes, 560 / 640, x=side - 560)

    def test_of_one_eye_the_picture_shows_which_it_is_only_where_its_inner_corner_can_be_seen(
        self, locator: EyeLocator, face: RgbImage
    ) -> None:
        right = np.ascontiguousarray(face[100:155, 225:285])
        for picture, side in ((right, EyeSide.RIGHT), (np.ascontiguousarray(right[:, ::-1]), EyeSide.LEFT)):
            (eye,) = locator.find_eyes(resize(picture, 480, 440)).eyes
            assert (eye.source, eye.sure) == (EyeSource.EYE_FINDER, True)
            assert (eye.side, eye.side_from) in ((side, SideSource.INNER_CORNER), (EyeSide.UNKNOWN, None))

    def test_from_too_near_the_lids_are_missing(self, locator: EyeLocator, eye_photo: RgbImage) -> None:
        height, width = eye_photo.shape[:2]
        near = np.ascontiguousarray(
            eye_photo[int(0.42 * height) : int(0.62 * height), int(0.36 * width) : int(0.6 * width)]
        )
        assert all(eye.lids_visible for eye in locator.find_eyes(eye_photo).eyes)
        assert not any(eye.sure and eye.lids_visible for eye in locator.find_eyes(near).eyes)

    @pytest.mark.parametrize(
        "part", [(150, 185, 255, 305), (190, 240, 230, 330), (20, 60, 240, 310), (400, 600, 40, 240)]
    )
    def test_there_is_no_eye_without_doubt_in_a_nose_a_chin_hair_or_clothes(
        self, locator: EyeLocator, face: RgbImage, part: tuple[int, int, int, int]
    ) -> None:
        top, bottom, left, right = part
        cut_out = resize(np.ascontiguousarray(face[top:bottom, left:right]), 8 * (right - left), 8 * (bottom - top))
        assert [eye for eye in locator.find_eyes(cut_out).eyes if eye.sure] == []


class TestThreads:
    def test_five_threads_with_one_detector_find_what_one_finds(
        self, locator: EyeLocator, face: RgbImage, masked_nose: RgbImage
    ) -> None:
        """Threads that share dlib's own detector crash the process every time."""
        pictures = [face, masked_nose, resize(face, 320, 320), np.ascontiguousarray(face[:, ::-1])]
        expected = [locator.find_eyes(picture).eyes for picture in pictures]
        assert {eyes[0].source for eyes in expected} == {EyeSource.LANDMARKS, EyeSource.EYE_FINDER}

        def find_each_twice(_thread: int) -> list[list[EyeRegion]]:
            return [locator.find_eyes(picture).eyes for picture in pictures * 2]

        with ThreadPoolExecutor(5) as threads:
            for found in threads.map(find_each_twice, range(5)):
                assert found == expected * 2


class TestAssets:
    @pytest.mark.parametrize("asset", ["landmarks", "eye_cascade", "face_cascade"])
    @pytest.mark.parametrize(
        "content",
        [b"", b"not what it should be", b'<?xml version="1.0"?><opencv_storage></opencv_storage>'],
        ids=["empty", "text", "XML"],
    )
    def test_a_file_that_cannot_be_read_stops_the_start_with_a_sentence_that_names_it(
        self, assets: Assets, settings: Settings, tmp_path: Path, asset: str, content: bytes
    ) -> None:
        broken = tmp_path / "broken.file"
        broken.write_bytes(content)
        with pytest.raises(StartupError, match=r"broken\.file"):
            EyeLocator.from_settings(dataclasses.replace(assets, **{asset: broken}), settings)


@pytest.mark.skipif(not FACES.is_dir(), reason="the shared portraits are not on this machine")
def test_in_portraits_of_many_people_both_eyes_are_found(locator: EyeLocator) -> None:
    # Those of whole, upright, unmasked faces have a list of their own; the others are hard on purpose.
    names = [line.split("\t")[0] for line in (FACES / "SOURCES.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    portraits = [decode_picture((FACES / name).read_bytes(), 40_000_000) for name in names]
    assert len(portraits) > 20
    found = [locator.find_eyes(portrait).eyes for portrait in portraits]
    assert np.mean([len(eyes) == 2 for eyes in found]) >= 0.95
    for portrait, eyes in zip(portraits, found, strict=True):
        assert all(cut(portrait, eye.box) is not None for eye in eyes)
