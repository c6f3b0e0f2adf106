"""The worst mistakes first, beside their heatmaps."""

from __future__ import annotations

import numpy as np
import pytest

from src.core.types import RgbImage
from src.utils.image_codec import decode_picture
from training.evaluation.case import Case
from training.report.contact_sheet import MOST_MISTAKES, draw_contact_sheet, worst_mistakes

CLASSES = ["Healthy", "Stye"]


def case(of_stye: float, truth: int = 0, **kwargs: object) -> Case:
    return Case(f"Healthy/{of_stye}.jpg", truth, np.array([1 - of_stye, of_stye], np.float32), **kwargs)  # type: ignore[arg-type]


def test_the_surest_mistakes_come_first_and_right_answers_not_at_all() -> None:
    right, unsure, sure = case(0.9, truth=1), case(0.6), case(0.99)
    assert worst_mistakes([right, unsure, sure]) == [sure, unsure]


def test_there_are_only_as_many_as_fit_on_a_sheet() -> None:
    assert len(worst_mistakes([case(0.6 + i / 200) for i in range(MOST_MISTAKES + 5)])) == MOST_MISTAKES


def test_the_sheet_shows_the_pictures(drawn_eye: RgbImage) -> None:
    red = np.full_like(drawn_eye, (255, 0, 0))
    sheet = decode_picture(draw_contact_sheet([case(0.9, preview=drawn_eye, overlay=red)], CLASSES), 10**8)
    height, width, _ = sheet.shape
    assert width > height
    pure_red = (sheet == (255, 0, 0)).all(axis=2)
    assert pure_red[:, width // 2 :].mean() > 0.2
    assert not pure_red[:, : width // 2].any()


def test_what_is_missing_or_cannot_be_drawn_does_not_stop_it(drawn_eye: RgbImage) -> None:
    strange = Case("眼$" * 60, 0, np.array([0.2, 0.8], np.float32), drawn_eye, None, ("too_blurred",))
    rows = [decode_picture(draw_contact_sheet([strange] * n, CLASSES), 10**8).shape[0] for n in (4, 5)]
    assert rows[1] == 2 * rows[0]


def test_no_mistakes_make_no_sheet() -> None:
    with pytest.raises(ValueError, match="no cases"):
        draw_contact_sheet([], CLASSES)
