"""Pictures for the training's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from src.core.types import RgbImage
from src.services.tensorflow_runtime import keras
from tests.unit.training.small_network import build_small_backbone

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    folder = REPOSITORY.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared pictures and weights are not on this machine")
    return folder


@pytest.fixture
def drawn_eye() -> RgbImage:
    """A schematic open eye, 240 x 180: skin, an almond of white, iris and pupil; centre (120, 95), 110 px wide."""
    eye = np.full((180, 240, 3), (205, 160, 135), dtype=np.uint8)
    corners = [(120 + 55 * a, 95 - s * 24 * (1 - a * a)) for s, a in _around()]
    cv2.fillPoly(eye, [np.array(corners, dtype=np.int32)], (235, 235, 232))
    cv2.circle(eye, (120, 95), 22, (70, 90, 110), -1)
    cv2.circle(eye, (120, 95), 9, (10, 10, 10), -1)
    noise = np.random.default_rng(0).normal(0, 2, eye.shape)
    return np.clip(eye + noise, 0, 255).astype(np.uint8)


def _around() -> list[tuple[float, float]]:
    upper = [(1.0, a) for a in np.linspace(-1, 1, 30)]
    return upper + [(-0.8, a) for a in np.linspace(1, -1, 30)]


@pytest.fixture(scope="session")
def backbone() -> Any:
    """A small one with random weights, as in `small_network`; no test may change it."""
    keras.utils.set_random_seed(3)
    return build_small_backbone()
