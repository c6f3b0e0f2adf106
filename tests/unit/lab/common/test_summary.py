from __future__ import annotations

import platform
from pathlib import Path

import pytest

from lab.common.machine import describe_machine, processor, telling_flags
from lab.common.summary import Ratio, growth_of, median, percentile, ratio

CPU_DESCRIPTION = """\
model name\t: Some Processor 7000
flags\t\t: fpu avx2 avx512f avx512_bf16 sse2

model name\t: Another
flags\t\t: fpu
"""


def test_a_percentile_is_the_value_of_that_rank() -> None:
    hundred = list(range(100, 0, -1))
    assert [percentile(hundred, share) for share in (0, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    assert percentile([9.0, 1.0, 5.0], 50) == 5.0


def test_a_ratio_is_that_of_the_medians_with_the_lowest_and_the_highest_of_a_round() -> None:
    assert ratio([10, 30, 20], [10, 10, 10]) == Ratio(2, 1, 3)
    # A round that lacks a figure is left out, and nothing is a multiple of zero.
    assert ratio([10, None, 30], [5, 1, None]) == Ratio(2, 2, 2)
    assert ratio([None, 1], [1, None]) is None
    assert ratio([1], [0]) is None


def test_a_median_is_that_of_the_rounds_that_have_a_value() -> None:
    assert median([None, 1, 9, 2]) == 2
    assert median([None]) is None


def test_growth_is_a_leak_and_not_filling_up_at_the_start() -> None:
    assert growth_of([100, 200, 500, 500, 500, 500, 500, 500]) == 0
    assert growth_of([100, 110, 120, 130, 140, 150, 160, 170]) == pytest.approx(165 / 125 - 1)
    assert growth_of([1, 2, 3]) is None


def test_the_machine_is_described_but_not_named(tmp_path: Path) -> None:
    description = tmp_path / "cpuinfo"
    description.write_text(CPU_DESCRIPTION, encoding="ascii")
    assert processor(description) == "Some Processor 7000"
    assert telling_flags(description) == ["avx2", "avx512f", "avx512_bf16"]
    machine = describe_machine()
    assert machine["packages"]["numpy"]
    assert platform.node() not in str(machine) or not platform.node()
