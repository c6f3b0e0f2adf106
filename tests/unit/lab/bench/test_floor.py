from __future__ import annotations

import os

import pytest

from lab.bench.floor import layouts, shares


@pytest.mark.parametrize(
    ("eyes", "callers", "expected"),
    [(1, 2, [1]), (2, 2, [1, 1]), (5, 2, [3, 2]), (10, 1, [10]), (10, 4, [3, 3, 2, 2]), (3, 16, [1, 1, 1])],
)
def test_eyes_are_shared_out_evenly(eyes: int, callers: int, expected: list[int]) -> None:
    assert shares(eyes, callers) == expected


def test_each_layout_takes_all_cores_and_no_more() -> None:
    cores = os.cpu_count() or 1
    found = layouts()
    assert len(set(found)) == len(found)
    assert {layout.threads * layout.callers for layout in found} == {cores}
    assert {("tensorflow", "float32"), ("onnxruntime", "float32")} <= {
        (layout.engine, layout.precision) for layout in found
    }
