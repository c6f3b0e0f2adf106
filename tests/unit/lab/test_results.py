"""The two pages that are shown to others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.bench import page as bench_page
from lab.bench import plan as bench_plan
from lab.bench.figures import Figures
from lab.bench.plots import draw_plots as draw_bench_plots
from lab.chaos import page as chaos_page
from lab.chaos import plan as chaos_plan
from lab.chaos.parts import saved_parts
from lab.common.results import table


@pytest.fixture
def parts() -> dict[str, Any]:
    """As they were measured; to be changed by a test."""
    return saved_parts(chaos_plan.PAGE_FOLDER / "results")


def test_the_page_of_the_benchmark_is_that_of_its_figures() -> None:
    raw = json.loads((bench_plan.PAGE_FOLDER / "results" / "figures.json").read_text(encoding="utf-8"))
    figures = Figures(raw)
    written = (bench_plan.PAGE_FOLDER / "RESULTS.md").read_text(encoding="utf-8")
    assert bench_page.write_page(figures) == written
    assert list(draw_bench_plots(figures)) == ["latency", "stages", "memory"]


def test_the_page_of_the_attempts_to_break_it_is_that_of_its_figures(parts: dict[str, Any]) -> None:
    written = (chaos_plan.PAGE_FOLDER / "RESULTS.md").read_text(encoding="utf-8")
    assert chaos_page.write_page(parts) == written
    assert list(chaos_page.draw_plots(parts)) == ["attacks", "failover", "soak"]


def test_what_broke_is_counted_over_all_parts_and_shown(parts: dict[str, Any]) -> None:
    assert chaos_page.requests_lost(parts) == (0, 23_865)
    assert chaos_page.faults_survived(parts) == (69, 69)
    parts["attacks"]["figures"]["attacks"][0]["traffic"]["failed"] = 2
    parts["attacks"]["figures"]["attacks"][0]["backend_lives"] = False
    parts["failover"]["figures"]["failed"] = [(1.0, "/upload", "502 b'...'")]
    parts["faults"]["figures"]["tests"][0].update(outcome="failed", reason="it hung")
    assert chaos_page.requests_lost(parts) == (3, 23_865)
    assert chaos_page.faults_survived(parts) == (67, 69)
    parts["soak"].update(error="RuntimeError: a | in it", figures=None)
    parts["codec"]["quick"] = True
    page = chaos_page.write_page(parts)
    for words in (
        "- lost at 1.0 s, /upload: `502 b'...'`",
        "**died**",
        "failed: it hung",
        "the part itself failed: RuntimeError: a / in it",
        "Quick run",
    ):
        assert words in page
    page = chaos_page.write_page({"codec": parts["codec"]})
    assert "| Half an hour of mixed load | not tried | **not held** |" in page


def test_a_bucket_without_answers_is_not_drawn_and_a_bar_does_not_end_a_cell() -> None:
    found = chaos_page.latency_per_bucket([(0.0, 1.0), (1.0, 3.0), (25.0, 7.0)], 10, 100)
    assert found == ([5.0, 25.0], [3.0, 7.0])
    assert table(["a"], [["b | c"]]) == "| a |\n| --- |\n| b / c |\n"


def test_less_than_a_full_run_leaves_the_pages_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_plan.parse_arguments([])[0] == bench_plan.FULL
    assert (full := chaos_plan.parse_arguments([])[0]) == chaos_plan.FULL
    assert full.pictures + full.data_uris + full.bodies + full.requests == 14_000
    for plan in (bench_plan, chaos_plan):
        assert plan.parse_arguments([])[1].out == plan.parse_arguments(["--redraw"])[1].out == plan.PAGE_FOLDER
        quick, given = plan.parse_arguments(["--quick"])
        assert (quick, given.out) == (plan.QUICK, plan.TRIAL_FOLDER)
    assert chaos_plan.parse_arguments(["--parts", "soak", "codec"])[1].parts == ["codec", "soak"]
    with pytest.raises(SystemExit):
        chaos_plan.parse_arguments(["--parts", "earthquake"])
    assert "earthquake" in capsys.readouterr().err
