"""The part of flags that are True."""

from __future__ import annotations

import numpy as np

from training.evaluation.share import share


def test_is_the_part_that_is_true() -> None:
    assert share([True, False, False]) == 0.3333
    assert share(np.array([True, True])) == 1


def test_of_nothing_is_not_known() -> None:
    assert share([]) is None
    assert share(np.zeros(0, dtype=bool)) is None
