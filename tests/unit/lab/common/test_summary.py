from __future__ import annotations

import pytest

from lab.common.summary import Ratio, growth, median, percentile, ratio


class TestPercentiles:
    @pytest.mark.parametrize(("share", "expected"), [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1)])
    def test_of_a_hundred_values_it_is_the_one_of_that_rank(self, share: int, expected: int) -> None:
        assert percentile(list(range(100, 0, -1)), share) == expected

    def test_of_few_values_the_99th_is_the_largest(self) -> None:
        assert percentile([3.0, 1.0, 2.0], 99) == 3.0

    def test_of_an_odd_number_the_50th_is_the_median(self) -> None:
        assert percentile([9.0, 1.0, 5.0], 50) == 5.0

    def test_of_nothing_there_is_none(self) -> None:
        with pytest.raises(ValueError, match="no values"):
            percentile([], 50)


class TestRatios:
    def test_it_is_that_of_the_medians_with_the_lowest_and_the_highest_of_a_round(self) -> None:
        assert ratio([10, 30, 20], [10, 10, 10]) == Ratio(2, 1, 3)

    def test_a_round_that_lacks_a_figure_is_left_out(self) -> None:
        assert ratio([10, None, 30], [5, 1, None]) == Ratio(2, 2, 2)

    def test_without_a_common_round_there_is_none(self) -> None:
        assert ratio([None, 1], [1, None]) is None

    def test_nothing_is_a_multiple_of_zero(self) -> None:
        assert ratio([1], [0]) is None

    def test_the_ratio_of_the_medians_lies_within_those_of_the_rounds(self) -> None:
        measured = ratio([4, 9, 2, 7], [3, 2, 8, 1])
        assert measured is not None
        assert measured.lowest <= measured.value <= measured.highest


def test_a_median_is_that_of_the_rounds_that_have_a_value() -> None:
    assert median([None, 1, 9, 2]) == 2
    assert median([None]) is None


class TestGrowth:
    def test_filling_up_at_the_start_does_not_count(self) -> None:
        assert growth([100, 200, 500, 500, 500, 500, 500, 500]) == 0

    def test_a_leak_counts(self) -> None:
        assert growth([100, 110, 120, 130, 140, 150, 160, 170]) == pytest.approx(165 / 125 - 1)

    def test_it_needs_four_samples(self) -> None:
        with pytest.raises(ValueError, match="four"):
            growth([1, 2, 3])
