"""The imitated camera gives what the network takes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from src.core.types import Box, RgbImage
from src.utils import geometry
from src.utils.preprocessing import to_network_input
from training.painting import camera
from training.painting.camera import Framing, draw_framing, draw_service_framing, photograph, whole_picture
from training.painting.eye_opening import EyeOpening


def white_where(mask: npt.NDArray[np.bool_]) -> RgbImage:
    return np.where(mask[..., None], np.full(3, 255, np.uint8), np.zeros(3, np.uint8))


def shoot(rgb: RgbImage, side: int, seed: int) -> RgbImage:
    rng = np.random.default_rng(seed)
    return photograph(rgb, draw_framing(rgb.shape[0], rgb.shape[1], rng), side, rng)


@pytest.mark.parametrize("seed", range(20))
def test_gives_a_square_that_the_seed_decides(drawn_eye: RgbImage, seed: int) -> None:
    photo = shoot(drawn_eye, 224, seed)
    assert photo.shape == (224, 224, 3)
    assert photo.dtype == np.uint8
    assert np.array_equal(photo, shoot(drawn_eye, 224, seed))


def test_keeps_red_red() -> None:
    red = np.zeros((100, 120, 3), dtype=np.uint8)
    red[..., 0] = 200
    means = np.mean([shoot(red, 64, seed).mean(axis=(0, 1)) for seed in range(20)], axis=0)
    assert means[0] > 2 * max(means[1], means[2])


@pytest.mark.parametrize("seed", range(10))
def test_the_visible_share_of_a_mask_is_what_the_photograph_shows(seed: int) -> None:
    mask = np.zeros((120, 160), dtype=bool)
    mask[90:, 20:70] = True
    framing = draw_framing(120, 160, np.random.default_rng(seed))
    framing = Framing(framing.to_picture, border=0, grey=0.0)
    painted = framing.apply(white_where(mask))
    pixels_per_pixel = abs(np.linalg.det(framing.to_picture[:, :2]))
    shown = painted[..., 0].mean() / 255 * painted[..., 0].size * pixels_per_pixel / mask.sum()
    assert framing.visible_share(mask) == pytest.approx(shown, abs=0.05)


def corners_of(framing: Framing) -> npt.NDArray[Any]:
    """Where the first and the last pixel of the photograph lie in the picture."""
    last = camera._RENDER_SIDE - 1
    return np.array([framing.to_picture @ [at, at, 1] for at in (0, last)])


class TestWholePicture:
    def test_shows_what_the_service_would_squeeze(self, drawn_eye: RgbImage) -> None:
        squeezed = to_network_input(whole_picture(*drawn_eye.shape[:2]).apply(drawn_eye), 224)
        expected = to_network_input(drawn_eye, 224)
        assert np.abs(squeezed.astype(int) - expected).mean() < 2

    def test_reaches_from_edge_to_edge(self) -> None:
        mask = np.ones((50, 90), dtype=bool)
        framing = whole_picture(50, 90)
        assert framing.visible_share(mask) == 1
        assert framing.coverage(mask, 7) == pytest.approx(np.ones((7, 7)), abs=0.03)


class TestCoverage:
    def test_is_the_covered_part_of_each_place(self) -> None:
        mask = np.zeros((70, 140), dtype=bool)
        mask[:10, :40] = True  # a whole place is 10 x 20
        coverage = whole_picture(70, 140).coverage(mask, 7)
        assert coverage[0, :2] == pytest.approx([1, 1], abs=0.06)
        assert coverage.sum() == pytest.approx(2, abs=0.1)

    @pytest.mark.parametrize("seed", range(8))
    def test_lies_where_the_photograph_shows_the_mask(self, seed: int) -> None:
        mask = np.zeros((120, 160), dtype=bool)
        mask[40:80, 50:110] = True
        framing = draw_framing(120, 160, np.random.default_rng(seed))
        framing = Framing(framing.to_picture, border=0, grey=0.0)
        painted = framing.apply(white_where(mask))
        expected = cv2.resize(painted, (7, 7), interpolation=cv2.INTER_AREA)[..., 0] / 255
        assert framing.coverage(mask, 7) == pytest.approx(expected, abs=0.02)


class TestServiceFraming:
    OPENING = EyeOpening(x=300, y=200, width=120, height=44, tilt=0.0, contrast=2)

    @pytest.mark.parametrize("seed", range(10))
    def test_shows_the_opening(self, seed: int) -> None:
        framing = draw_service_framing(400, 600, self.OPENING, np.random.default_rng(seed))
        mask = self.OPENING.outside(400, 600, 1.0) < 0.5
        assert framing.visible_share(mask) > 0.95
        assert 0.03 < framing.coverage(mask, 7).mean() < 0.3

    def test_is_on_average_the_services_own_crop(self) -> None:
        """Without the errors of landmarks: around the default paddings, with the brow above the eye."""
        face_width = 120 / 0.21
        eye = Box(300 - 60, 200 - 22, 120, 44)
        crop = geometry.padded_eye_box(eye, face_width, padding_x=20, padding_y=40)
        framings = [draw_service_framing(2000, 2000, self._in_the_middle(), dice) for dice in self._dice()]
        boxes = np.array([np.sort(corners_of(framing), axis=0) for framing in framings])
        middle = boxes.mean(axis=1).mean(axis=0) - [1000 - 300, 1000 - 200]
        size = np.ptp(boxes, axis=1).mean(axis=0)
        assert middle == pytest.approx([crop.x + crop.width / 2, crop.y + crop.height / 2], abs=8)
        assert size == pytest.approx([crop.width, crop.height], rel=0.12)

    def test_stays_inside_of_the_picture(self) -> None:
        """A close-up ends before the paddings do, as in the service."""
        for dice in self._dice():
            framing = draw_service_framing(90, 130, EyeOpening(65, 45, 120, 44, 0.0, 2), dice)
            width, height = np.linalg.norm(framing.to_picture[:, :2], axis=0) * camera._RENDER_SIDE
            assert width <= 130.001
            assert height <= 90.001

    def _in_the_middle(self) -> EyeOpening:
        return EyeOpening(1000, 1000, 120, 44, 0.0, 2)

    def _dice(self) -> list[np.random.Generator]:
        return [np.random.default_rng(seed) for seed in range(150)]
