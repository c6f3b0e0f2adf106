"""Each plot can be drawn of whatever `measure` returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from src.utils.image_codec import decode_picture
from training.evaluation.metrics import measure
from training.report.plots import draw_confusion_matrix, draw_reliability, draw_risk_coverage, draw_roc


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
