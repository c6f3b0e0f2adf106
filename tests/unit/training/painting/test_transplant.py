"""An eye that is put into another face lies where that one's own was, and takes on its light."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from training.painting.transplant import transplant

OUTLINE = np.array([(80, 100), (107, 82), (133, 82), (160, 100), (133, 112), (107, 112)], float)


def eye_of(iris: tuple[int, int, int], skin: tuple[int, int, int], outline: Any = OUTLINE) -> RgbImage:
    """Skin, an opening, and an iris in the middle of it, 240 x 200."""
    picture = np.full((200, 240, 3), skin, np.uint8)
    cv2.fillPoly(picture, [outline.astype(np.int32)], (230, 230, 230))
    cv2.circle(picture, tuple(int(value) for value in outline.mean(axis=0)), 12, iris, -1)
    return picture


@pytest.mark.parametrize("seed", range(4))
def test_the_eye_is_the_sources_and_what_is_around_it_the_hosts(seed: int) -> None:
    """Smaller, elsewhere and turned, mirrored or not."""
    turn = np.array([[0.6, 0.15], [-0.15, 0.6]])
    place = OUTLINE @ turn.T + (60, 50)
    source, host = eye_of((200, 30, 30), (180, 140, 120)), eye_of((30, 30, 200), (180, 140, 120), place)
    found = transplant(source, OUTLINE, host, place, np.random.default_rng(seed))
    x, y = (int(value) for value in place.mean(axis=0))
    red, _, blue = found[y - 3 : y + 3, x - 3 : x + 3].mean(axis=(0, 1))
    assert red > 150
    assert blue < 80
    far = np.hypot(*(np.indices((200, 240))[::-1] - place.mean(axis=0)[:, None, None])) > 60
    assert np.array_equal(found[far], host[far])
    assert found.dtype == np.uint8
    assert found.shape == host.shape


def test_it_takes_on_the_light_of_the_other_skin() -> None:
    source, host = eye_of((200, 30, 30), (200, 160, 140)), eye_of((200, 30, 30), (100, 80, 70))
    white = [
        transplant(source, OUTLINE, host, OUTLINE, np.random.default_rng(seed))[100, 92:98].mean() for seed in range(8)
    ]
    assert max(white) < 200
    assert min(white) > 100


def test_the_same_state_gives_the_same() -> None:
    source, host = eye_of((200, 30, 30), (200, 160, 140)), eye_of((30, 30, 200), (100, 80, 70))
    first, again, other = (
        transplant(source, OUTLINE, host, OUTLINE, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
