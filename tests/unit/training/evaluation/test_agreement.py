from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.agreement import MOST_POINTS, compare
from training.evaluation.case import Case


def case(name: str, *percent: float) -> Case:
    return Case(name, 0, np.array(percent, np.float32) / 100)


def test_the_same_answers_agree() -> None:
    agreement = compare([case("a", 70, 30)], [case("a", 70, 30)])
    assert agreement.agrees
    assert (agreement.eyes, agreement.class_changes, agreement.beyond) == (1, 0, 0)
    assert agreement.largest_difference == 0


def test_a_score_that_differs_by_more_than_half_a_point_does_not_agree() -> None:
    near, far = case("a", 70.4, 29.6), case("a", 70.6, 29.4)
    assert compare([case("a", 70, 30)], [near]).agrees
    agreement = compare([case("a", 70, 30)], [far])
    assert not agreement.agrees
    assert agreement.beyond == 1
    assert agreement.largest_difference == pytest.approx(0.6, abs=1e-4)
    assert agreement.largest_difference > MOST_POINTS


def test_another_class_does_not_agree_however_near_the_scores_are() -> None:
    agreement = compare([case("a", 50.1, 49.9)], [case("a", 49.9, 50.1)])
    assert agreement.class_changes == 1
    assert agreement.beyond == 0
    assert not agreement.agrees


def test_the_quantiles_are_those_of_the_eyes_largest_differences() -> None:
    first = [case(str(number), 50, 30, 20) for number in range(101)]
    second = [case(str(number), 50 + number / 100, 30 - number / 100, 20) for number in range(101)]
    assert compare(first, second).quantiles == pytest.approx((0.5, 0.95, 0.99), abs=1e-3)


@pytest.mark.parametrize("second", [[], [case("b", 70, 30)], [case("a", 70, 30), case("b", 70, 30)]])
def test_runs_that_found_other_eyes_cannot_be_compared(second: list[Case]) -> None:
    with pytest.raises(ValueError, match="same eyes"):
        compare([case("a", 70, 30)], second)


def test_nothing_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same eyes"):
        compare([], [])
