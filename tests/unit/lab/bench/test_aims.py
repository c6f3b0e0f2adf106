from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lab.bench.aims import AimResult, compare_with_aims, count_met
from lab.bench.figures import Figures


def result_of(raw: dict[str, Any], words: str) -> AimResult:
    (found,) = [result for result in compare_with_aims(Figures(raw)) if words in result.aim]
    return found


def change_cells(raw: dict[str, Any], side: str, **values: Any) -> None:
    for one in raw["rounds"]:
        for cell in one["sides"][side]["cells"]:
            cell.update(values)


def change_upload_speed(raw: dict[str, Any], side: str, at_once: int, factor: float) -> None:
    for one in raw["rounds"]:
        for cell in one["sides"][side]["cells"]:
            if cell["work"] == "upload" and cell["at_once"] == at_once:
                cell["requests_per_s"] *= factor
                cell["p50_ms"] /= factor


def test_a_service_that_reaches_everything_but_one_aim(raw: dict[str, Any]) -> None:
    """In float32 it is slower than FastAPI and ONNX Runtime: 45 to 50."""
    results = compare_with_aims(Figures(raw))
    assert [result.aim for result in results if not result.met] == [
        "/upload, 16 at once, in float32: FastAPI and ONNX Runtime: at least 1 times"
    ]
    assert count_met(results) == (len(results) - 1, len(results))


def test_the_floor_is_that_of_the_precision_in_use(raw: dict[str, Any]) -> None:
    assert result_of(raw, "by default (bfloat16): bare").measured.startswith("0.94 ")
    assert result_of(raw, "in float32: bare").measured.startswith("0.90 ")


@pytest.mark.parametrize(
    ("words", "spoil"),
    [
        ("by default (bfloat16): bare", lambda raw: change_upload_speed(raw, "service", 16, 0.9)),
        ("in float32: bare", lambda raw: change_upload_speed(raw, "service_float32", 16, 0.9)),
        ("by default: FastAPI", lambda raw: change_upload_speed(raw, "service", 16, 0.7)),
        ("by default: the usual way", lambda raw: change_upload_speed(raw, "usual", 16, 4)),
        ("/upload alone", lambda raw: change_upload_speed(raw, "service", 1, 0.5)),
        ("five frames alone", lambda raw: change_cells(raw, "service", p50_ms=200.0)),
        ("/health while", lambda raw: change_cells(raw, "service", health_ms=[2.0] * 90 + [60.0] * 10)),
        ("/health while", lambda raw: change_cells(raw, "service", health_failures=1)),
        ("/upload, a photo of one eye, 64", lambda raw: change_upload_speed(raw, "service", 64, 0.9)),
        ("No error", lambda raw: change_cells(raw, "service", errors={"500": 1})),
        ("memory flat", lambda raw: raw["memory"].update(resident_mb=[1.0, 2.0, 3.0, 4.0])),
        ("the same one by one", lambda raw: raw["agreement"]["at_once"].update(other_class=1)),
        ("the same one by one", lambda raw: raw["agreement"]["at_once"].update(largest_score=0.02)),
        ("the same one by one", lambda raw: raw["agreement"]["at_once"].update(largest_heatmap=1)),
        ("the same one by one", lambda raw: raw["agreement"]["at_once"].update(largest_heatmap=None)),
        ("Ready within", lambda raw: [one["sides"]["service"].update(ready_s=9.0) for one in raw["rounds"]]),
        (
            "The first request",
            lambda raw: [one["sides"]["service"].update(first_ms={"upload": [90.0, 20.0]}) for one in raw["rounds"]],
        ),
    ],
)
def test_each_aim_can_be_missed(raw: dict[str, Any], words: str, spoil: Callable[[dict[str, Any]], object]) -> None:
    assert result_of(raw, words).met is True
    spoil(raw)
    assert result_of(raw, words).met is False


def test_what_was_not_measured_is_neither_met_nor_missed(raw: dict[str, Any]) -> None:
    for one in raw["rounds"]:
        one["sides"] = {"fastapi_onnx": one["sides"]["fastapi_onnx"]}
    raw["memory"], raw["agreement"] = None, {"sides": {}}
    results = compare_with_aims(Figures(raw))
    assert {result.met for result in results} == {None}
    assert {result.measured for result in results} == {"not measured"}
    assert count_met(results) == (0, 0)


def test_fewer_requests_than_two_thousand_do_not_decide_about_memory(raw: dict[str, Any]) -> None:
    raw["memory"]["requests"] = 400
    result = result_of(raw, "memory flat")
    assert result.met is None
    assert "400 requests" in result.measured
