from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.bench.figures import Figures
from lab.bench.summary import Ratio


@pytest.fixture
def figures(raw: dict[str, Any]) -> Figures:
    return Figures(raw)


def test_a_cell_has_one_value_per_round(figures: Figures) -> None:
    assert figures.of_cell("service", "upload", 16, "requests_per_s") == [90.0, 45.0, 112.5]


def test_a_ratio_compares_within_the_rounds(figures: Figures) -> None:
    assert figures.throughput_ratio("service", "service_float32", "predict_5", 4) == Ratio(2, 2, 2)


def test_what_was_not_measured_is_none(figures: Figures) -> None:
    assert figures.of_cell("service", "upload", 3, "requests_per_s") == [None] * 3
    assert figures.of_cell("nobody", "upload", 16, "requests_per_s") == [None] * 3
    assert figures.throughput_ratio("usual", "service", "upload", 64) is None


def test_a_cell_that_would_have_taken_too_long_is_known_as_such(figures: Figures) -> None:
    assert figures.was_left_out("usual", "upload", 64)
    assert not figures.was_left_out("usual", "upload", 16)
    assert not figures.was_left_out("service", "upload", 64)


def test_the_floor_is_the_best_of_its_layouts(figures: Figures) -> None:
    assert figures.floor_eyes_per_s("tensorflow", "bfloat16", 1) == [96.0, 48.0, 120.0]
    assert figures.floor_latency_ms("tensorflow", "float32", 10)[0] == pytest.approx(200.0)
    assert figures.floor_eyes_per_s("tensorflow", "float16", 1) == [None] * 3


def test_layouts_are_medians_over_the_rounds(figures: Figures) -> None:
    first, *_others = figures.floor_layouts()
    assert (first["engine"], first["precision"], first["threads"]) == ("tensorflow", "float32", 1)
    assert first["passes"][0] == {"batch": 1, "eyes_per_s": 50.0, "latency_ms": pytest.approx(25.0)}


def test_precision_is_what_a_side_says_and_float32_else(figures: Figures) -> None:
    assert [figures.precision(side) for side in ("service", "usual", "nobody")] == ["bfloat16", "float32", "float32"]


def test_stages_are_medians_and_none_where_a_side_says_nothing(figures: Figures) -> None:
    assert figures.stages_ms("service", "upload", 16) == {"decode": 4.0, "infer": 12.0, "total": 17.0}
    assert figures.stages_ms("usual", "upload", 16) == {}


def test_the_first_and_the_second_request_are_told_apart(figures: Figures) -> None:
    assert figures.first_ms("service", "upload", 0) == [21.0] * 3
    assert figures.first_ms("service", "upload", 1) == [20.0] * 3
    assert figures.first_ms("service", "predict_1", 0) == [None] * 3


def test_the_service_in_float32_is_the_one_that_runs_so_by_default_if_it_does(measured: dict[str, Any]) -> None:
    assert Figures(measured).float32_side == "service_float32"
    by_default = copy.deepcopy(measured)
    for one in by_default["rounds"]:
        one["sides"]["service"]["precision"] = "float32"
    assert Figures(by_default).float32_side == "service"
