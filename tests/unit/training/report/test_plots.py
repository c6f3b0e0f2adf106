"""Each plot can be drawn of whatever `measure` returns; the sheet of mistakes shows them beside their heatmaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from src.core.types import RgbImage
from src.utils.image_codec import decode_picture
from training.evaluation.examination import Case
from training.evaluation.measures import measure
from training.report.plots import (
    draw_confusion_matrix,
    draw_contact_sheet,
    draw_reliability,
    draw_risk_coverage,
    draw_roc,
)

CLASSES = ["Healthy", "Stye"]


def usual() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return measure(rng.integers(0, 3, 40), rng.dirichlet(np.ones(3), 40), ["Healthy", "Stye_眼", "$a$"], resamples=5)


def one_picture() -> dict[str, Any]:
    return measure(np.array([0]), np.array([[1.0, 0.0]]), ["Healthy", "Stye"], resamples=5)


@pytest.mark.parametrize("measured", [usual(), one_picture()], ids=["usual", "one picture"])
def test_every_plot_is_a_picture_with_something_on_it(measured: dict[str, Any]) -> None:
    for png in (
        draw_confusion_matrix(measured["confusion_matrix"]),
        draw_roc(measured["per_class"]),
        draw_reliability(measured["calibration"]),
        draw_risk_coverage(measured["risk_coverage"]),
    ):
        assert decode_picture(png, 10**7).std() > 5


def case(of_stye: float, truth: int = 0, **kwargs: object) -> Case:
    return Case(f"Healthy/{of_stye}.jpg", truth, np.array([1 - of_stye, of_stye], np.float32), **kwargs)  # type: ignore[arg-type]


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
