"""The imitated camera gives what the network takes."""

from __future__ import annotations

from dataclasses import replace

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


def test_a_photograph_is_a_square_that_the_seed_decides_and_keeps_red_red(drawn_eye: RgbImage) -> None:
    red = np.zeros((100, 120, 3), dtype=np.uint8)
    red[..., 0] = 200
    means = []
    for seed in range(20):
        photo = shoot(drawn_eye, 224, seed)
        assert photo.shape == (224, 224, 3)
        assert photo.dtype == np.uint8
        assert np.array_equal(photo, shoot(drawn_eye, 224, seed))
        means.append(shoot(red, 64, seed).mean(axis=(0, 1)))
    of_red, of_green, of_blue = np.mean(means, axis=0)
    assert of_red > 2 * max(of_green, of_blue)


def framed_on_black(seed: int) -> Framing:
    return replace(draw_framing(120, 160, np.random.default_rng(seed)), border=0, grey=0.0)


@pytest.mark.parametrize("seed", range(10))
def test_the_visible_share_and_the_coverage_of_a_mask_are_what_the_photograph_shows(seed: int) -> None:
    framing = framed_on_black(seed)
    mask = np.zeros((120, 160), dtype=bool)
    mask[90:, 20:70] = True
    painted = framing.apply(white_where(mask))
    pixels_per_pixel = abs(np.linalg.det(framing.to_picture[:, :2]))
    shown = painted[..., 0].mean() / 255 * painted[..., 0].size * pixels_per_pixel / mask.sum()
    assert framing.visible_share(mask) == pytest.approx(shown, abs=0.05)
    mask = np.zeros((120, 160), dtype=bool)
    mask[40:80, 50:110] = True
    expected = cv2.resize(framing.apply(white_where(mask)), (7, 7), interpolation=cv2.INTER_AREA)[..., 0] / 255
    assert framing.coverage(mask, 7) == pytest.approx(expected, abs=0.02)


def test_the_whole_picture_is_what_the_service_would_squeeze_from_edge_to_edge(drawn_eye: RgbImage) -> None:
    squeezed = to_network_input(whole_picture(*drawn_eye.shape[:2]).apply(drawn_eye), 224)
    expected = to_network_input(drawn_eye, 224)
    assert np.abs(squeezed.astype(int) - expected).mean() < 2
    mask = np.ones((50, 90), dtype=bool)
    framing = whole_picture(50, 90)
    assert framing.visible_share(mask) == 1
    assert framing.coverage(mask, 7) == pytest.approx(np.ones((7, 7)), abs=0.03)
    mask = np.zeros((70, 140), dtype=bool)
    mask[:10, :40] = True  # a whole place is 10 x 20
    coverage = whole_picture(70, 140).coverage(mask, 7)
    assert coverage[0, :2] == pytest.approx([1, 1], abs=0.06)
    assert coverage.sum() == pytest.approx(2, abs=0.1)


def test_a_framing_of_the_service_shows_the_opening_and_is_on_average_its_own_crop() -> None:
    """Without the errors of landmarks: around the default paddings, with the brow above the eye."""
    opening = EyeOpening(x=300, y=200, width=120, height=44, tilt=0.0, contrast=2)
    mask = opening.outside(400, 600, 1.0) < 0.5
    for seed in range(10):
        framing = draw_service_framing(400, 600, opening, np.random.default_rng(seed))
        assert framing.visible_share(mask) > 0.95
        assert 0.03 < framing.coverage(mask, 7).mean() < 0.3

    crop = geometry.padded_eye_box(Box(1000 - 60, 1000 - 22, 120, 44), 120 / 0.21, padding_x=20, padding_y=40)
    in_the_middle = replace(opening, x=1000, y=1000)
    last = camera._RENDER_SIDE - 1
    corners = []
    for seed in range(150):
        framing = draw_service_framing(2000, 2000, in_the_middle, np.random.default_rng(seed))
        corners.append(np.sort([framing.to_picture @ [at, at, 1] for at in (0, last)], axis=0))
    boxes = np.array(corners)
    assert boxes.mean(axis=(0, 1)) == pytest.approx([crop.x + crop.width / 2, crop.y + crop.height / 2], abs=8)
    assert np.ptp(boxes, axis=1).mean(axis=0) == pytest.approx([crop.width, crop.height], rel=0.12)


def test_a_framing_of_the_service_stays_inside_of_the_picture() -> None:
    """A close-up ends before the paddings do, as in the service."""
    for seed in range(150):
        framing = draw_service_framing(90, 130, EyeOpening(65, 45, 120, 44, 0.0, 2), np.random.default_rng(seed))
        width, height = np.linalg.norm(framing.to_picture[:, :2], axis=0) * camera._RENDER_SIDE
        assert width <= 130.001
        assert height <= 90.001
