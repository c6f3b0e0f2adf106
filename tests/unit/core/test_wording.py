"""Reasons and shares as people read them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import Box, EyeReport, EyeSide, EyeSource, Reason
from src.core.wording import REASONS, percentage, percentages


def test_reasons_are_named_as_in_the_answer_and_in_its_order() -> None:
    assert " ".join(reason.value for reason in Reason) == (
        "low_confidence not_an_eye unfamiliar other_condition blurry too_dark too_bright too_small too_close "
        "eye_closed frames_disagree"
    )


@pytest.mark.parametrize(("reasons", "inconclusive"), [((), False), ((Reason.BLURRY,), True)])
def test_any_reason_makes_a_report_inconclusive(reasons: tuple[Reason, ...], inconclusive: bool) -> None:
    preview = np.zeros((2, 2, 3), np.uint8)
    probabilities = np.array([0.9, 0.1], np.float32)
    report = EyeReport(
        EyeSide.LEFT, probabilities, 0, 1, preview, None, EyeSource.LANDMARKS, 0.9, reasons, Box(0, 0, 2, 2)
    )
    assert report.inconclusive is inconclusive


def test_every_reason_has_its_words_in_the_order_in_which_reasons_are_listed() -> None:
    assert list(REASONS) == list(Reason)


@pytest.mark.parametrize("reason", Reason)
def test_a_meaning_ends_with_the_setting_that_draws_the_line_and_a_short_word_needs_none(reason: Reason) -> None:
    """No setting can bring the lids into the picture."""
    words = REASONS[reason]
    settings = re.findall(r" \(([A-Z_]+)\)$", words.meaning)
    assert len(settings) == (reason is not Reason.TOO_CLOSE)
    assert {setting.lower() for setting in settings} <= set(Settings.model_fields)
    assert re.fullmatch(r"[a-z ]+", words.short)


def test_a_percentage_has_two_decimals() -> None:
    assert percentage(0.123456) == 12.35
    assert percentage(1.0) == 100.0


def test_each_class_has_its_own_percentage() -> None:
    assert percentages(np.array([0.25, 0.75], np.float32), ("A", "B")) == {"A": 25.0, "B": 75.0}
