"""The eye finder finds eyes in pictures that show no whole face, and none where there is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from src.core.errors import StartupError
from src.core.types import RgbImage
from src.services.eye_finder import (
    FINDER_FILE,
    IRIS,
    IRIS_LOGIT,
    LOG_WIDTH,
    OUTLINE,
    OUTPUTS,
    PLACES,
    SCORE,
    SIDE,
    SIDE_LOGIT,
    STRIDE,
    EyeFinder,
    SeenEye,
    read_places,
    standardised,
)
from src.services.people import LEAST_SCORE
from src.services.pyramid import Pyramid


@pytest.fixture(scope="module")
def finder() -> EyeFinder:
    return EyeFinder()


def seen(finder: EyeFinder, picture: RgbImage, least_score: float = LEAST_SCORE) -> list[SeenEye]:
    """In shares of the picture's longest side."""
    return finder.find(Pyramid(picture, 640).grey(SIDE), least_score)


def output(*eyes: tuple[int, int, float, float]) -> npt.NDArray[np.float32]:
    """Of an eye per (row, column, logit, width in pixels), with an outline a third as high as it is wide."""
    said = np.full((PLACES, PLACES, OUTPUTS), -9.0, np.float32)
    for row, column, logit, width in eyes:
        said[row, column, SCORE] = logit
        said[row, column, LOG_WIDTH] = np.log(width / SIDE)
        said[row, column, OUTLINE] = np.array([-3, 0, -1, -1, 1, -1, 3, 0, 1, 1, -1, 1]) / 6
        said[row, column, IRIS] = (0.1, 0.0, 0.2)
        said[row, column, [SIDE_LOGIT, IRIS_LOGIT]] = (3, -3)
    return said


class TestReadingTheOutput:
    def test_an_eye_is_where_its_place_says_as_large_as_it_says(self) -> None:
        (eye,) = read_places(output((4, 10, 2.0, 60.0)), least_score=0.5)
        centre = (10.5 * STRIDE, 4.5 * STRIDE)
        assert eye.centre == pytest.approx(centre)
        assert eye.width == pytest.approx(60)
        assert eye.outline[1] == pytest.approx((centre[0] - 10, centre[1] - 10))
        assert eye.iris == pytest.approx((centre[0] + 6, centre[1], 12))
        assert eye.score == pytest.approx(0.8808, abs=1e-4)
        assert eye.inner_on_left == pytest.approx(0.9526, abs=1e-4)
        assert eye.iris_seen == pytest.approx(0.0474, abs=1e-4)

    def test_the_surest_come_first_and_the_unsure_are_left_out(self) -> None:
        eyes = read_places(output((4, 3, 1.0, 30.0), (4, 14, 2.0, 30.0), (15, 8, -2.0, 30.0)), least_score=0.5)
        assert [round(eye.centre[0]) for eye in eyes] == [116, 28]

    def test_what_lies_in_an_eye_is_not_another(self) -> None:
        said = output((9, 9, 2.0, 80.0), (9, 13, 1.0, 70.0), (9, 18, 1.0, 70.0))
        assert [round(eye.centre[0]) for eye in read_places(said, least_score=0.5)] == [76, 148]

    def test_numbers_of_any_size_are_an_outline(self) -> None:
        said = output((9, 9, 2.0, 80.0))
        said[9, 9, LOG_WIDTH] = 1e9
        (eye,) = read_places(said, least_score=0.5)
        assert np.isfinite(eye.outline).all()


class TestStandardised:
    def test_light_and_contrast_make_no_difference(self) -> None:
        grey = np.random.default_rng(0).integers(60, 120, (SIDE, SIDE), dtype=np.uint8)
        brighter = (grey.astype(np.float32) * 2 + 10).astype(np.uint8)
        one, other = (standardised(picture, (SIDE, SIDE)) for picture in (grey, brighter))
        assert np.abs(one - other).max() < 0.25
        assert one.mean() == pytest.approx(0, abs=1e-4)

    def test_outside_of_the_photo_there_is_nothing(self) -> None:
        picture = standardised(np.full((50, SIDE), 200, np.uint8), (SIDE, 50))
        assert picture.shape == (SIDE, SIDE, 1)
        assert not picture.any()


class TestWeights:
    @pytest.mark.parametrize("content", [b"", b"not what it should be"])
    def test_a_file_that_cannot_be_read_stops_the_start_with_a_sentence_that_names_it(
        self, tmp_path: Path, content: bytes
    ) -> None:
        file = tmp_path / "broken.npz"
        file.write_bytes(content)
        with pytest.raises(StartupError, match=r"broken\.npz"):
            EyeFinder(file)
        with pytest.raises(StartupError, match=r"missing\.npz"):
            EyeFinder(tmp_path / "missing.npz")

    @pytest.mark.parametrize("change", ["shape", "missing", "objects"])
    def test_weights_of_another_network_stop_it_too(self, tmp_path: Path, change: str) -> None:
        with np.load(FINDER_FILE) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if change == "shape":
            arrays["outputs/bias"] = arrays["outputs/bias"][:-1]
        elif change == "missing":
            del arrays["head/weights"]
        else:
            arrays["head/weights"] = np.array([{"runs": "code"}])
        np.savez(tmp_path / "other.npz", **arrays)
        with pytest.raises(StartupError, match=r"other\.npz"):
            EyeFinder(tmp_path / "other.npz")

    def test_the_shipped_ones_are_smaller_than_two_megabytes(self) -> None:
        assert FINDER_FILE.stat().st_size < 2_000_000


class TestPhotos:
    """Cut out of a portrait that the training has not seen."""

    def test_a_close_up_has_one_eye_in_the_middle(self, finder: EyeFinder, eye_photo: RgbImage) -> None:
        (eye,) = seen(finder, eye_photo, 0.5)
        scale = max(eye_photo.shape[:2]) / SIDE
        x, y = eye.centre * scale / (eye_photo.shape[1], eye_photo.shape[0])
        assert (x, y) == (pytest.approx(0.49, abs=0.1), pytest.approx(0.71, abs=0.1))

    def test_both_eyes_are_found_in_a_strip(self, finder: EyeFinder, face: RgbImage) -> None:
        eyes = seen(finder, np.ascontiguousarray(face[105:150, 225:340]))
        assert sorted(round(eye.centre[0] / SIDE, 1) for eye in eyes) == [
            pytest.approx(0.26, abs=0.1),
            pytest.approx(0.72, abs=0.1),
        ]

    def test_noise_and_flat_pictures_have_none(self, finder: EyeFinder) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
        assert seen(finder, noise) == []
        assert seen(finder, np.full((100, 400, 3), 90, np.uint8)) == []

    def test_the_same_picture_gives_the_same_eyes(self, finder: EyeFinder, eye_photo: RgbImage) -> None:
        grey = cv2.resize(eye_photo[..., 0], (SIDE, SIDE))
        first, second = (finder.find(np.asarray(grey, np.uint8), 0.2) for _ in range(2))
        assert all(np.array_equal(one.outline, other.outline) for one, other in zip(first, second, strict=True))
