"""The imitated camera gives what the network takes."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import RgbImage
from src.training.camera import Framing, draw_framing, photograph


def shoot(rgb: RgbImage, side: int, seed: int) -> RgbImage:
    rng = np.random.default_rng(seed)
    return photograph(rgb, draw_framing(*rgb.shape[:2], rng), side, rng)


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
    painted = framing.apply(np.repeat(mask[..., None], 3, axis=2).astype(np.uint8) * 255)
    pixels_per_pixel = abs(np.linalg.det(framing.to_picture[:, :2]))
    shown = painted[..., 0].mean() / 255 * painted[..., 0].size * pixels_per_pixel / mask.sum()
    assert framing.visible_share(mask) == pytest.approx(shown, abs=0.05)
