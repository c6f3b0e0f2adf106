"""Boxes are scaled, padded and cut as their documentation says, whatever numbers a client sends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from src.core.types import Box
from src.utils.geometry import (
    clipped,
    contains,
    cut,
    enlarged,
    eye_openness,
    hint_region,
    padded_eye_box,
    part_inside,
    scaled,
    shifted,
)

NAN, INFINITE = float("nan"), float("inf")


def test_a_scaled_box_lies_where_the_resized_picture_shows_it() -> None:
    assert scaled(Box(10, 20, 30, 40), 2.5) == Box(25, 50, 75, 100)


def test_a_shifted_box_keeps_its_size() -> None:
    assert shifted(Box(10, 20, 30, 40), 5, -7) == Box(15, 13, 30, 40)


def test_an_enlarged_box_keeps_its_centre() -> None:
    assert enlarged(Box(10, 20, 30, 40), 2) == Box(-5, 0, 60, 80)


def test_a_box_contains_its_edges_and_nothing_beyond() -> None:
    box = Box(10, 20, 30, 40)
    assert contains(box, 10, 20)
    assert contains(box, 40, 60)
    assert not contains(box, 9.9, 30)
    assert not contains(box, 20, 60.1)


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        (Box(10, 10, 20, 20), Box(10, 10, 20, 20)),
        (Box(-5, -5, 20, 20), Box(0, 0, 15, 15)),
        (Box(90, 70, 20, 20), Box(90, 70, 10, 10)),
        (Box(-1e300, -1e300, 1.5e300, 1.5e300), Box(0, 0, 100, 80)),
    ],
)
def test_clipping_keeps_the_part_inside_the_picture(box: Box, inside: Box) -> None:
    assert clipped(box, 100, 80) == inside


@pytest.mark.parametrize(
    "box",
    [
        Box(100, 0, 10, 10),
        Box(0, -20, 10, 20),
        Box(10, 10, 0, 10),
        Box(10, 10, -5, 10),
        Box(50, 50, 0.9, 10),
        Box(99.5, 10, 10, 10),
        Box(NAN, 0, 10, 10),
        Box(0, 0, INFINITE, 10),
        Box(-INFINITE, 0, INFINITE, 10),
        Box(1e308, 0, 1e308, 10),
    ],
)
def test_clipping_leaves_nothing_of_a_box_without_a_pixel_in_the_picture(box: Box) -> None:
    assert clipped(box, 100, 80) is None


@pytest.mark.parametrize(("face", "is_centre"), [(Box(300, 200, 160, 160), False), (Box(380, 280, 160, 160), True)])
def test_a_hints_region_covers_the_face_whether_corner_or_centre_was_sent(face: Box, is_centre: bool) -> None:
    corner = Box(face.x - 80, face.y - 80, 160, 160) if is_centre else face
    region = hint_region(face, 1000, 1000)
    assert region is not None
    assert region.x <= corner.x - 0.25 * 160 + 1e-9
    assert region.y <= corner.y - 0.25 * 160 + 1e-9
    assert region.right >= corner.right + 0.25 * 160 - 1e-9
    assert region.bottom >= corner.bottom + 0.25 * 160 - 1e-9


def test_a_hints_region_stays_inside_the_picture() -> None:
    assert hint_region(Box(600, 600, 100, 100), 640, 640) == Box(525, 525, 115, 115)


@pytest.mark.parametrize(
    "hint",
    [
        Box(10, 10, 0, 10),
        Box(10, 10, 10, -10),
        Box(NAN, 10, 10, 10),
        Box(10, 10, NAN, 10),
        Box(10, 10, INFINITE, 10),
        Box(1e308, 1e308, 1e308, 1e308),
        Box(5000, 10, 10, 10),
        Box(-5000, 10, 10, 10),
    ],
)
def test_a_hint_that_says_nothing_useful_gives_no_region(hint: Box) -> None:
    assert hint_region(hint, 640, 640) is None


def test_an_eye_in_a_face_200_px_wide_is_padded_by_the_settings_and_half_of_it_below() -> None:
    assert padded_eye_box(Box(100, 100, 40, 16), 200, 20, 40) == Box(80, 60, 80, 76)


@pytest.mark.parametrize("factor", [0.25, 3, 10])
def test_padding_grows_with_the_face(factor: float) -> None:
    small = padded_eye_box(Box(100, 100, 40, 16), 200, 20, 40)
    large = padded_eye_box(Box(100 * factor, 100 * factor, 40 * factor, 16 * factor), 200 * factor, 20, 40)
    for side in ("x", "y", "width", "height"):
        assert getattr(large, side) == pytest.approx(getattr(small, side) * factor)


def test_without_padding_the_eye_itself_is_cut() -> None:
    assert padded_eye_box(Box(100, 100, 40, 16), 320, 0, 0) == Box(100, 100, 40, 16)


@pytest.fixture
def numbered() -> np.ndarray:
    """10 high, 20 wide; every pixel says where it is: (row, column, 0)."""
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.indices((10, 20))
    return picture


def test_a_cut_has_the_pixels_of_the_box(numbered: np.ndarray) -> None:
    part = cut(numbered, Box(3, 2, 5, 4))
    assert part is not None
    assert part.shape == (4, 5, 3)
    assert part[0, 0].tolist() == [2, 3, 0]
    assert part[-1, -1].tolist() == [5, 7, 0]


def test_a_cut_takes_every_pixel_that_the_box_touches(numbered: np.ndarray) -> None:
    part = cut(numbered, Box(3.6, 2.6, 4.6, 3.6))
    assert part is not None
    assert part[0, 0].tolist() == [2, 3, 0]
    assert part[-1, -1].tolist() == [6, 8, 0]


def test_a_cut_over_the_edge_ends_there(numbered: np.ndarray) -> None:
    part = cut(numbered, Box(-4, -4, 100, 100))
    assert part is not None
    assert np.array_equal(part, numbered)


@pytest.mark.parametrize("box", [Box(3, 2, 5, 4), Box(-4, 2, 100, 4), Box(-4, -4, 100, 100)])
def test_a_cut_is_a_copy_so_that_its_picture_can_be_forgotten(numbered: np.ndarray, box: Box) -> None:
    part = cut(numbered, box)
    assert part is not None
    assert part.flags.c_contiguous
    assert part.base is None
    part[:] = 255
    assert numbered.max() < 255


@pytest.mark.parametrize("box", [Box(50, 0, 5, 5), Box(0, 0, 0, 0), Box(NAN, 0, 5, 5)])
def test_nothing_is_cut_where_the_picture_is_not(numbered: np.ndarray, box: Box) -> None:
    assert cut(numbered, box) is None


@pytest.mark.parametrize("box", [Box(3.6, 2.6, 4.6, 3.6), Box(0, 2, 20, 4)])
def test_detectors_look_at_the_pixels_inside_a_region_and_know_where_they_begin(numbered: np.ndarray, box: Box) -> None:
    part, left, top = part_inside(numbered, box)
    assert part.flags.c_contiguous
    assert part[0, 0].tolist() == [top, left, 0] == [int(box.y), int(box.x), 0]
    assert part[-1, -1].tolist() == [int(box.bottom) - 1, int(box.right) - 1, 0]
    grey, *corner = part_inside(numbered[..., 0], box)
    assert np.array_equal(grey, part[..., 0])
    assert corner == [left, top]


def outline(width: float, height: float) -> npt.NDArray[np.float64]:
    """Six points in the order of the landmarks, y pointing down."""
    half = height / 2
    points = [(0, 0), (width / 3, -half), (2 * width / 3, -half), (width, 0), (2 * width / 3, half), (width / 3, half)]
    return np.array(points, dtype=np.float64)


@pytest.mark.parametrize(("width", "height", "openness"), [(30, 9, 0.3), (100, 15, 0.15), (30, 0, 0), (10, 10, 1)])
def test_openness_is_height_divided_by_width(width: float, height: float, openness: float) -> None:
    assert eye_openness(outline(width, height)) == pytest.approx(openness)


@pytest.mark.parametrize("degrees", [10, 45, 90, 200])
def test_a_tilted_head_does_not_change_openness(degrees: float) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert eye_openness(outline(30, 9) @ turn.T + (200, 100)) == pytest.approx(0.3)


def test_openness_is_the_mean_of_two_places_of_the_lids() -> None:
    eye = outline(30, 9)
    eye[[1, 5]] = [(10, -3), (10, 3)]
    assert eye_openness(eye) == pytest.approx((9 + 6) / (2 * 30))


def test_an_outline_without_width_has_no_openness() -> None:
    assert eye_openness(np.ones((6, 2))) is None
