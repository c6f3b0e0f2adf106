"""An eye's openness is the height of its outline next to its width, however it lies in the picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from src.utils.eye_openness import eye_openness


def outline(width: float, height: float) -> npt.NDArray[np.float64]:
    """Six points in the order of the landmarks, y pointing down."""
    half = height / 2
    points = [(0, 0), (width / 3, -half), (2 * width / 3, -half), (width, 0), (2 * width / 3, half), (width / 3, half)]
    return np.array(points, dtype=np.float64)


@pytest.mark.parametrize(("width", "height", "openness"), [(30, 9, 0.3), (100, 15, 0.15), (30, 0, 0), (10, 10, 1)])
def test_it_is_height_divided_by_width(width: float, height: float, openness: float) -> None:
    assert eye_openness(outline(width, height)) == pytest.approx(openness)


@pytest.mark.parametrize("degrees", [10, 45, 90, 200])
def test_a_tilted_head_does_not_change_it(degrees: float) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert eye_openness(outline(30, 9) @ turn.T + (200, 100)) == pytest.approx(0.3)


def test_the_lids_are_averaged() -> None:
    eye = outline(30, 9)
    eye[[1, 5]] = [(10, -3), (10, 3)]
    assert eye_openness(eye) == pytest.approx((9 + 6) / (2 * 30))


def test_an_outline_without_width_has_none() -> None:
    assert eye_openness(np.ones((6, 2))) is None
