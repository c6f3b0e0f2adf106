"""Each plot can be drawn of whatever `measure` returns, the same each time, whatever the names in it; the sheet of
mistakes shows them beside their heatmaps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from src.core.types import RgbImage
from src.utils.image_codec import decode_picture
from training.evaluation.examination import Case
from training.evaluation.measures import measure
from training.report.plots import (
    draw_confusion_matrix,
    draw_contact_sheet,
    draw_png,
    draw_reliability,
    draw_risk_coverage,
    draw_roc,
    drawable,
)

CLASSES = ["Healthy", "Stye"]


RNG = np.random.default_rng(0)
USUAL = measure(RNG.integers(0, 3, 40), RNG.dirichlet(np.ones(3), 40), ["Healthy", "Stye_眼", "$x_{$"], resamples=5)
ONE_PICTURE = measure(np.array([0]), np.array([[1.0, 0.0]]), CLASSES, resamples=5)


@pytest.mark.parametrize("measured", [USUAL, ONE_PICTURE], ids=["usual", "one picture"])
def test_every_plot_is_the_same_picture_each_time_with_something_on_it(measured: dict[str, Any]) -> None:
    for draw, figures in (
        (draw_confusion_matrix, measured["confusion_matrix"]),
        (draw_roc, measured["per_class"]),
        (draw_reliability, measured["calibration"]),
        (draw_risk_coverage, measured["risk_coverage"]),
    ):
        png = draw(figures)
        assert decode_picture(png, 10**7).std() > 5
        assert draw(figures) == png


def test_a_drawing_has_the_size_that_was_asked_for() -> None:
    assert decode_picture(draw_png(3, 2, Figure.clear), 10**7).shape == (220, 330, 3)


@pytest.mark.parametrize(("text", "drawn"), [("Augenlid_ä.jpg", "Augenlid_ä.jpg"), ("眼\n1", "??1")])
def test_characters_that_cannot_be_drawn_become_question_marks(text: str, drawn: str) -> None:
    assert drawable(text) == drawn


def test_the_sheet_shows_the_pictures(drawn_eye: RgbImage) -> None:
    red = np.full_like(drawn_eye, (255, 0, 0))
    mistake = Case("Healthy/1.jpg", 0, np.array([0.1, 0.9], np.float32), drawn_eye, red)
    sheet = decode_picture(draw_contact_sheet([mistake], CLASSES), 10**8)
    height, width, _ = sheet.shape
    assert width > height
    pure_red = (sheet == (255, 0, 0)).all(axis=2)
    assert pure_red[:, width // 2 :].mean() > 0.2
    assert not pure_red[:, : width // 2].any()


def test_what_is_missing_or_cannot_be_drawn_does_not_stop_it(drawn_eye: RgbImage) -> None:
    strange = Case("眼$" * 60, 0, np.array([0.2, 0.8], np.float32), drawn_eye, None, ("too_blurred",))
    rows = [decode_picture(draw_contact_sheet([strange] * n, CLASSES), 10**8).shape[0] for n in (4, 5)]
    assert rows[1] == 2 * rows[0]
