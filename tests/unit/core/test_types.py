"""The nouns keep their promises."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from src.core.types import Box, EyeReport, EyeSide, EyeSource, Frame, Reason


def test_each_side_is_the_opposite_of_the_other() -> None:
    assert EyeSide.LEFT.opposite is EyeSide.RIGHT
    assert EyeSide.RIGHT.opposite is EyeSide.LEFT


def test_sides_are_named_as_in_the_answer() -> None:
    assert [side.value for side in EyeSide] == ["left_eye", "right_eye"]


def test_a_box_knows_its_far_edges_and_its_area() -> None:
    box = Box(10, 20, 30, 40)
    assert (box.right, box.bottom, box.area) == (40, 60, 1200)


def test_a_frame_needs_only_its_place_and_its_picture() -> None:
    frame = Frame(0, b"a picture")
    assert frame.box is None


def test_reasons_are_named_as_in_the_answer_and_in_its_order() -> None:
    assert [reason.value for reason in Reason] == [
        "low_confidence",
        "not_an_eye",
        "unfamiliar",
        "blurry",
        "too_dark",
        "too_bright",
        "too_small",
        "eye_closed",
        "frames_disagree",
    ]


@pytest.mark.parametrize(("reasons", "inconclusive"), [((), False), ((Reason.BLURRY,), True)])
def test_any_reason_makes_a_report_inconclusive(reasons: tuple[Reason, ...], inconclusive: bool) -> None:
    preview = np.zeros((2, 2, 3), np.uint8)
    probabilities = np.array([0.9, 0.1], np.float32)
    report = EyeReport(EyeSide.LEFT, probabilities, 0, 1, preview, None, EyeSource.LANDMARKS, 0.9, reasons)
    assert report.inconclusive is inconclusive


def test_what_travels_cannot_be_changed_on_its_way() -> None:
    frame = Frame(0, b"a picture")
    with pytest.raises(dataclasses.FrozenInstanceError):
        frame.index = 1  # type: ignore[misc]
