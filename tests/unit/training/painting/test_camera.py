"""The imitated camera gives what the network takes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from src.core.types import Box, EyeRegion, EyeSide, EyeSource, RgbImage
from src.services.eye_locator import eye_box
from src.utils.preprocessing import place_in_square, to_network_input
from training.data.eyes import network_input_of
from training.painting import camera
from training.painting.camera import Framing, draw_framing, framing_of, photograph
from training.painting.eye_opening import opening_of

OUTLINE = np.array([(240, 202), (280, 178), (320, 178), (360, 202), (320, 216), (280, 216)], dtype=np.float64)


def white_where(mask: npt.NDArray[np.bool_]) -> RgbImage:
    return np.where(mask[..., None], np.full(3, 255, np.uint8), np.zeros(3, np.uint8))


def shoot(rgb: RgbImage, side: int, seed: int) -> RgbImage:
    rng = np.random.default_rng(seed)
    outline = np.array([(65, 95), (100, 75), (140, 75), (175, 95), (140, 115), (100, 115)]) * rgb.shape[1] / 240
    return photograph(rgb, draw_framing(outline, rgb.shape[0], rgb.shape[1], rng), side, rng)


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
    outline = OUTLINE / 3.75
    framing = draw_framing(outline, 120, 160, np.random.default_rng(seed))
    return replace(framing, border=cv2.BORDER_CONSTANT, grey=0.0)


def square(framing: Framing, rgb: RgbImage) -> RgbImage:
    """The whole crop, black where it is not on the photo."""
    side = camera._RENDER_SIDE
    crop = np.zeros((side, side, 3), np.uint8)
    crop[place_in_square(framing.place, side)] = framing.apply(rgb)
    return crop


@pytest.mark.parametrize("seed", range(10))
def test_the_visible_share_and_the_coverage_of_a_mask_are_what_the_photograph_shows(seed: int) -> None:
    framing = framed_on_black(seed)
    mask = np.zeros((120, 160), dtype=bool)
    mask[90:, 20:70] = True
    painted = square(framing, white_where(mask))
    pixels_per_pixel = abs(np.linalg.det(framing.to_picture[:, :2]))
    shown = painted[..., 0].mean() / 255 * painted[..., 0].size * pixels_per_pixel / mask.sum()
    assert framing.visible_share(mask) == pytest.approx(shown, abs=0.05)
    mask = np.zeros((120, 160), dtype=bool)
    mask[40:80, 50:110] = True
    expected = cv2.resize(square(framing, white_where(mask)), (7, 7), interpolation=cv2.INTER_AREA)[..., 0] / 255
    assert framing.coverage(mask, 7) == pytest.approx(expected, abs=0.02)


def test_a_crop_without_chance_is_what_the_service_cuts_out(drawn_eye: RgbImage) -> None:
    for box in (Box(30, 20, 150, 140), Box(-40, -30, 250, 220), Box(100, 50, 200, 160)):
        eye = EyeRegion(EyeSide.LEFT, box, EyeSource.EYE_FINDER)
        expected = network_input_of(drawn_eye, eye, 224)
        framing = framing_of(box, *drawn_eye.shape[:2])
        framed = to_network_input(framing.apply(drawn_eye), 224, framing.place)
        assert expected is not None
        assert np.abs(framed.astype(int) - expected).mean() < 2.5


def test_a_mask_is_covered_where_the_crop_has_it() -> None:
    mask = np.ones((50, 90), dtype=bool)
    framing = framing_of(Box(0, 0, 90, 50), 50, 90)
    assert framing.visible_share(mask) == 1
    assert framing.coverage(mask, 7) == pytest.approx(np.ones((7, 7)), abs=0.03)
    mask = np.zeros((70, 140), dtype=bool)
    mask[:10, :40] = True  # a whole place is 10 x 20
    coverage = framing_of(Box(0, 0, 140, 70), 70, 140).coverage(mask, 7)
    assert coverage[0, :2] == pytest.approx([1, 1], abs=0.06)
    assert coverage.sum() == pytest.approx(2, abs=0.1)


def reaching_beyond(least: int) -> list[tuple[Framing, int]]:
    """Framings of which the photo has only a part, and their seeds."""
    framings = ((draw_framing(OUTLINE / 3, 120, 160, np.random.default_rng(seed)), seed) for seed in range(60))
    found = [pair for pair in framings if pair[0].place.area < 0.8]
    assert len(found) >= least
    return found


def test_what_is_not_on_the_photo_has_the_mean_colour_of_what_is_and_an_edge_along_the_square() -> None:
    """As in the service, whatever the camera did: no noise, no blur, no turned edge."""
    noise = np.random.default_rng(0).integers(60, 200, (120, 160, 3), dtype=np.uint8)
    for framing, seed in reaching_beyond(10)[:10]:
        photo = photograph(noise, framing, 224, np.random.default_rng(seed))
        on_photo = np.zeros((224, 224), dtype=bool)
        on_photo[place_in_square(framing.place, 224)] = True
        assert np.ptp(photo[~on_photo].astype(int), axis=0).max() == 0
        assert photo[~on_photo][0] == pytest.approx(photo[on_photo].mean(axis=0), abs=0.6)


def test_nothing_counts_as_seen_that_is_not_on_the_photo() -> None:
    everything = np.ones((120, 160), dtype=bool)
    for framing, _ in reaching_beyond(10):
        assert framing.coverage(everything, 7).mean() < framing.place.area + 0.02
        assert framing.visible_share(everything) < 1


def test_lids_stay_on_the_photo_where_nothing_may_be_cut_off_and_are_lost_on_few_others() -> None:
    beside = OUTLINE - (220, 0)
    mask = opening_of(beside).outside(400, 600, 1.0) < 0.5
    shares = {
        may: [
            draw_framing(beside, 400, 600, np.random.default_rng(seed), may_cut_off=may).visible_share(mask)
            for seed in range(200)
        ]
        for may in (True, False)
    }
    assert min(shares[False]) > 0.5
    assert 0.1 < min(shares[True]) < 0.5
    assert np.mean(np.array(shares[True]) < 0.5) < 0.1


def test_of_an_eye_without_an_outline_the_photo_is_squeezed_as_it_is() -> None:
    for seed in range(20):
        framing = draw_framing(None, 120, 160, np.random.default_rng(seed))
        assert framing.place == Box(0, 0, 1, 1)
        assert framing.visible_share(np.ones((120, 160), dtype=bool)) > 0.15


def test_a_framing_shows_most_of_the_opening_and_is_on_average_the_crop_of_the_service() -> None:
    """Around the default paddings, with the brow above the eye."""
    mask = opening_of(OUTLINE).outside(400, 600, 1.0) < 0.5
    shares = [draw_framing(OUTLINE, 400, 600, np.random.default_rng(seed)).visible_share(mask) for seed in range(60)]
    assert np.mean(np.array(shares) > 0.5) > 0.9
    assert np.median(shares) > 0.95

    in_the_middle = OUTLINE + np.array([700, 800])
    expected, share = eye_box(in_the_middle, Box(0, 0, 2000, 2000), 20, 40)
    assert share == 1
    last = camera._RENDER_SIDE - 1
    corners = []
    for seed in range(150):
        framing = draw_framing(in_the_middle, 2000, 2000, np.random.default_rng(seed))
        corners.append(np.sort([framing.to_picture @ [at, at, 1] for at in (0, last)], axis=0))
    boxes = np.array(corners)
    middle = [expected.x + expected.width / 2, expected.y + expected.height / 2]
    assert boxes.mean(axis=(0, 1)) == pytest.approx(middle, abs=15)
    assert np.ptp(boxes, axis=1).mean(axis=0) == pytest.approx([expected.width, expected.height], rel=0.15)
