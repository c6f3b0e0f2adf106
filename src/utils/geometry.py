"""Boxes and outlines: scaling, padding, cutting, openness. Coordinates are pixels; a picture is (height, width)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from src.core.types import Box, Floats, RgbImage


def scaled(box: Box, factor: float) -> Box:
    """The box in a picture that was resized by this factor."""
    return Box(box.x * factor, box.y * factor, box.width * factor, box.height * factor)


def shifted(box: Box, x: float, y: float) -> Box:
    """The box moved by (x, y)."""
    return Box(box.x + x, box.y + y, box.width, box.height)


def clipped(box: Box, width: int, height: int) -> Box | None:
    """The part of the box inside a picture; None where nothing of it is inside, or its numbers are not finite."""
    if not all(map(math.isfinite, (box.x, box.y, box.width, box.height))):
        return None
    left, top = max(box.x, 0.0), max(box.y, 0.0)
    right, bottom = min(box.right, float(width)), min(box.bottom, float(height))
    if right - left < 1 or bottom - top < 1:
        return None
    return Box(left, top, right - left, bottom - top)


def overlap(box: Box, other: Box) -> Box | None:
    """What two boxes share; None where that is nothing."""
    left, top = max(box.x, other.x), max(box.y, other.y)
    right, bottom = min(box.right, other.right), min(box.bottom, other.bottom)
    return Box(left, top, right - left, bottom - top) if right > left and bottom > top else None


def hint_region(hint: Box, width: int, height: int) -> Box | None:
    """Where in the picture to look first for a face that a client says is in `hint`; None where that is of no use.

    Nobody says whether a hint's (x, y) is its corner or its centre, so the region covers both readings, with a
    quarter of the hint's size to spare on every side.
    """
    if hint.width <= 0 or hint.height <= 0:
        return None
    margin_x, margin_y = hint.width * 0.25, hint.height * 0.25
    region = Box(
        hint.x - hint.width / 2 - margin_x,
        hint.y - hint.height / 2 - margin_y,
        hint.width * 1.5 + 2 * margin_x,
        hint.height * 1.5 + 2 * margin_y,
    )
    return clipped(region, width, height)


def enlarged(box: Box, factor: float) -> Box:
    """The box made larger around its centre."""
    width, height = box.width * factor, box.height * factor
    return Box(box.x - (width - box.width) / 2, box.y - (height - box.height) / 2, width, height)


def contains(box: Box, x: float, y: float) -> bool:
    """Whether the point lies inside the box."""
    return box.x <= x <= box.right and box.y <= y <= box.bottom


def box_around(points: Floats) -> Box:
    """The smallest box around n x (x, y)."""
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    return Box(float(left), float(top), float(right - left), float(bottom - top))


def corner_distance(outline: Floats) -> float:
    """The width of an eye, of which `outline` is as in `EyeRegion`."""
    return _distance(outline[0], outline[3])


def between_corners(outline: Floats) -> Floats:
    """(x, y) of the middle of an eye, of which `outline` is as in `EyeRegion`."""
    return np.asarray((outline[0] + outline[3]) / 2)


# Pixels from corner to corner of an eye in a face 200 px wide, from the one end of the jaw to the other: the median of
# 289 faces, of which nine in ten have 27 to 40.
_EYE_OF_A_FACE = 35.0


def padded_eye_box(opening: Box, eye_width: float, padding_x: float, padding_y: float) -> Box:
    """The box to cut out around an eye's opening.

    Args:
        opening: from corner to corner and lid to lid.
        eye_width: from corner to corner in the same pixels, of this eye or the mean of both.
        padding_x: pixels added left and right, for a face 200 px wide.
        padding_y: pixels added above, up to the brow, for a face 200 px wide; below half of it is added.
    """
    scale = eye_width / _EYE_OF_A_FACE
    side, above, below = padding_x * scale, padding_y * scale, padding_y * scale / 2
    return Box(opening.x - side, opening.y - above, opening.width + 2 * side, opening.height + above + below)


def drawn_in(box: Box, part: Box, factor: float) -> Box:
    """The box at `factor` times its size, with a part of it where it was in proportion to what is left on each side."""
    width, height = max(part.width, box.width * factor), max(part.height, box.height * factor)
    left, right, above, below = part.x - box.x, box.right - part.right, part.y - box.y, box.bottom - part.bottom
    on_left = left / (left + right) if left + right > 0 else 0.0
    on_top = above / (above + below) if above + below > 0 else 0.0
    return Box(part.x - on_left * (width - part.width), part.y - on_top * (height - part.height), width, height)


def part_inside(picture: npt.NDArray[np.uint8], region: Box) -> tuple[npt.NDArray[np.uint8], int, int]:
    """What detectors look at: the pixels inside `region`, in one piece of memory, and x and y of their first one.

    The picture is in grey or RGB, the region wholly inside of it.
    """
    left, top = int(region.x), int(region.y)
    return np.ascontiguousarray(picture[top : int(region.bottom), left : int(region.right)]), left, top


def whole_pixels(box: Box, width: int, height: int) -> Box | None:
    """The box, in whole numbers, of every pixel of a picture that the box touches; None where it touches none."""
    inside = clipped(box, width, height)
    if inside is None:
        return None
    left, top = math.floor(inside.x), math.floor(inside.y)
    right, bottom = min(math.ceil(inside.right), width), min(math.ceil(inside.bottom), height)
    return Box(left, top, right - left, bottom - top)


def cut(picture: RgbImage, box: Box) -> RgbImage:
    """A copy of the pixels in a box of whole pixels, see `whole_pixels`."""
    return picture[int(box.y) : int(box.bottom), int(box.x) : int(box.right)].copy()


def place_in(box: Box, inside: Box) -> Box:
    """Where a part of a box lies, in shares of the box, 0-1; what reaches beyond it is left out."""
    left, top = (max(0.0, value) for value in ((inside.x - box.x) / box.width, (inside.y - box.y) / box.height))
    right = min(1.0, (inside.right - box.x) / box.width)
    bottom = min(1.0, (inside.bottom - box.y) / box.height)
    return Box(left, top, right - left, bottom - top)


def eye_openness(outline: npt.NDArray[np.float64]) -> float | None:
    """The eye aspect ratio: mean distance of the lids divided by that of the corners.

    Soukupova and Cech, "Real-time eye blink detection using facial landmarks", CVWW 2016: about 0.25 to 0.4 for open
    eyes, well below 0.2 for closed ones. A picture that was squeezed sideways, as browsers squeeze 4:3 to square,
    makes it a third larger.

    Args:
        outline: 6 x (x, y), as iBUG 300-W orders them: corner, two points of the upper lid, corner, two of the lower.

    Returns:
        0 or more; None where the corners are the same point.
    """
    first_corner, upper_1, upper_2, second_corner, lower_2, lower_1 = outline
    width = _distance(first_corner, second_corner)
    if width == 0:
        return None
    return (_distance(upper_1, lower_1) + _distance(upper_2, lower_2)) / (2 * width)


def _distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.hypot(*(one - other)))
