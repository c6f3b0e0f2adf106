"""Shares as people read them."""

from __future__ import annotations

import numpy as np

from src.core.wording import percentage, percentages


def test_two_decimals() -> None:
    assert percentage(0.123456) == 12.35
    assert percentage(1.0) == 100.0


def test_each_class_has_its_own() -> None:
    assert percentages(np.array([0.25, 0.75], np.float32), ("A", "B")) == {"A": 25.0, "B": 75.0}
