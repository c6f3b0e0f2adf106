"""How wrong a case is."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.case import Case


def test_a_right_answer_is_not_wrong_however_unsure() -> None:
    case = Case("a.jpg", 0, np.array([0.4, 0.3, 0.3], np.float32))
    assert (case.said, case.wrongness) == (0, 0)


def test_a_wrong_answer_is_as_wrong_as_it_is_sure() -> None:
    case = Case("a.jpg", 0, np.array([0.1, 0.8, 0.1], np.float32))
    assert case.said == 1
    assert case.wrongness == pytest.approx(0.8)
