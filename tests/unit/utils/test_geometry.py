"""Boxes are scaled, padded and cut as their documentation says, whatever numbers a client sends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from src.core.types import Box, RgbImage
from src.utils.geometry import (
    between_corners,
    box_around,
    clipped,
    contains,
    corner_distance,
    cut,
    drawn_in,
    enlarged,
    eye_openness,
    hint_region,
    overlap,
    padded_eye_box,
    part_inside,
    place_in,
    scaled,
    shifted,
    whole_pixels,
)

NAN, INFINITE = float("nan"), float("inf")


def test_a_scaled_box_lies_where_the_resized_picture_shows_it_and_an_enlarged_one_keeps_its_centre() -> None:
    assert scaled(Box(10, 20, 30, 40), 2.5) == Box(25, 50, 75, 100)
    assert shifted(Box(10, 20, 30, 40), 5, -7) == Box(15, 13, 30, 40)
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
        (Box(100, 0, 10, 10), None),
        (Box(0, -20, 10, 20), None),
        (Box(10, 10, 0, 10), None),
        (Box(10, 10, -5, 10), None),
        (Box(50, 50, 0.9, 10), None),
        (Box(99.5, 10, 10, 10), None),
        (Box(NAN, 0, 10, 10), None),
        (Box(0, 0, INFINITE, 10), None),
        (Box(-INFINITE, 0, INFINITE, 10), None),
        (Box(1e308, 0, 1e308, 10), None),
    ],
)
def test_clipping_keeps_the_part_inside_the_picture_and_nothing_where_none_is(box: Box, inside: Box | None) -> None:
    assert clipped(box, 100, 80) == inside


@pytest.mark.parametrize(("face", "is_centre"), [(Box(300, 200, 160, 160), False), (Box(380, 280, 160, 160), True)])
def test_a_hints_region_covers_the_face_whether_corner_or_centre_was_sent(face: Box, is_centre: bool) -> None:
    corner = Box(face.x - 80, face.y - 80, 160, 160) if is_centre else face
    region = hint_region(face, 1000, 1000)
    assert region is not None
    assert region.x <= corner.x - 0.25 * 160 + 1e-9
    assert region.y <= corner.y - 0.25 * 160 + 1e-9
    assert region.right >= corner.right + 0.25 * 160 - 1e-9
    assert region.bottom >= corner.bottom + 0.25 * 160 - 1e-9
    # Inside the picture.
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


@pytest.mark.parametrize("factor", [0.25, 1, 3, 10])
def test_an_eye_is_padded_by_the_settings_and_half_of_it_below_in_a_face_200_px_wide_and_more_in_a_wider_one(
    factor: float,
) -> None:
    eye = scaled(Box(100, 100, 40, 16), factor)
    padded, expected = padded_eye_box(eye, 35 * factor, 20, 40), scaled(Box(80, 60, 80, 76), factor)
    for side in ("x", "y", "width", "height"):
        assert getattr(padded, side) == pytest.approx(getattr(expected, side))
    assert padded_eye_box(eye, 56, 0, 0) == eye


@pytest.fixture
def numbered() -> RgbImage:
    """10 high, 20 wide; every pixel says where it is: (row, column, 0)."""
    picture = np.zeros((10, 20, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.indices((10, 20))
    return picture


@pytest.mark.parametrize(
    ("box", "first", "last"),
    [
        (Box(3, 2, 5, 4), (2, 3), (5, 7)),
        (Box(3.6, 2.6, 4.6, 3.6), (2, 3), (6, 8)),
        (Box(-4, 2, 100, 4), (2, 0), (5, 19)),
        (Box(-4, -4, 100, 100), (0, 0), (9, 19)),
    ],
    ids=["whole pixels", "every pixel that is touched", "over two edges", "over all edges"],
)
def test_a_cut_has_the_pixels_of_the_box_and_is_a_copy_so_that_its_picture_can_be_forgotten(
    numbered: RgbImage, box: Box, first: tuple[int, int], last: tuple[int, int]
) -> None:
    touched = whole_pixels(box, 20, 10)
    assert touched is not None
    part = cut(numbered, touched)
    assert np.array_equal(part, numbered[first[0] : last[0] + 1, first[1] : last[1] + 1])
    assert part.flags.c_contiguous
    assert part.base is None
    part[:] = 255
    assert numbered.max() < 255


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(3.6, 2.6, 4.6, 3.6), Box(3, 2, 6, 5)),
        (Box(-4, -4, 8.5, 100), Box(0, 0, 5, 10)),
        (Box(18.2, 1, 1.8, 2), Box(18, 1, 2, 2)),
    ],
)
def test_the_pixels_that_a_box_touches_are_those_that_are_cut(numbered: RgbImage, box: Box, expected: Box) -> None:
    assert whole_pixels(box, 20, 10) == expected
    touched = whole_pixels(box, 20, 10)
    assert touched is not None
    part = cut(numbered, touched)
    assert (part[0, 0].tolist(), part.shape[:2]) == ([expected.y, expected.x, 0], (expected.height, expected.width))
    nowhere = [Box(50, 0, 5, 5), Box(0, 0, 0, 0), Box(NAN, 0, 5, 5)]
    assert [whole_pixels(box, 20, 10) for box in nowhere] == [None] * 3


def test_two_boxes_share_what_lies_in_both() -> None:
    assert overlap(Box(0, 0, 10, 10), Box(4, -5, 20, 8)) == Box(4, 0, 6, 3)
    assert overlap(Box(0, 0, 10, 10), Box(10, 0, 5, 5)) is None


def test_the_place_of_a_part_is_told_in_shares_of_its_box_and_never_beyond_it() -> None:
    assert place_in(Box(-50, 0, 200, 100), Box(0, 25, 150, 50)) == Box(0.25, 0.25, 0.75, 0.5)
    assert place_in(Box(0.4, 0.4, 9, 9), Box(0, 0, 10, 10)) == Box(0, 0, 1, 1)


def test_a_box_is_drawn_in_around_a_part_that_keeps_its_place() -> None:
    # 30 to spare on the left and 10 on the right become 15 and 5, 20 above and below 5.
    assert drawn_in(Box(-30, -20, 100, 100), Box(0, 0, 60, 60), 0.8) == Box(-15, -10, 80, 80)
    assert drawn_in(Box(0, 0, 100, 50), Box(0, 0, 100, 20), 0.5) == Box(0, 0, 100, 25)
    # Never smaller than the part.
    assert drawn_in(Box(-5, -5, 20, 20), Box(0, 0, 10, 10), 0.1) == Box(0, 0, 10, 10)


def test_the_middle_and_the_width_of_an_eye_are_those_of_its_corners() -> None:
    lids_aside = np.array([(3.0, 4.0), (50, -9), (60, -9), (9.0, 12.0), (60, 90), (50, 90)])
    assert corner_distance(lids_aside) == 10
    assert between_corners(lids_aside) == pytest.approx((6, 8))


def test_the_box_around_points_touches_the_outermost() -> None:
    assert box_around(np.array([(3.0, 9.0), (7.0, 2.0), (5.0, 5.0)])) == Box(3, 2, 4, 7)


@pytest.mark.parametrize("box", [Box(3.6, 2.6, 4.6, 3.6), Box(0, 2, 20, 4)])
def test_detectors_look_at_the_pixels_inside_a_region_and_know_where_they_begin(numbered: RgbImage, box: Box) -> None:
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
def test_openness_is_mean_height_divided_by_width_if_there_is_a_width(
    width: float, height: float, openness: float
) -> None:
    eye = outline(width, height)
    assert eye_openness(eye) == pytest.approx(openness)
    eye[[1, 5]] = [(width / 3, -3), (width / 3, 3)]
    assert eye_openness(eye) == pytest.approx((height + 6) / (2 * width))
    assert eye_openness(np.ones((6, 2))) is None


@pytest.mark.parametrize("degrees", [10, 45, 90, 200])
def test_a_tilted_head_does_not_change_openness(degrees: float) -> None:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert eye_openness(outline(30, 9) @ turn.T + (200, 100)) == pytest.approx(0.3)
