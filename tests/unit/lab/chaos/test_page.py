from __future__ import annotations

from typing import Any

import pytest

from lab.chaos.page import faults_survived, inputs_tried, requests_lost, write_page
from lab.chaos.plots import ATTACKS_PLOT, FAILOVER_PLOT, SOAK_PLOT, draw_plots, latency_per_bucket
from tests.unit.markdown_tables import assert_rows_fit_headers, tables


@pytest.fixture
def page(parts: dict[str, Any]) -> str:
    return write_page(parts, [ATTACKS_PLOT, FAILOVER_PLOT, SOAK_PLOT])


def test_every_row_of_a_table_has_as_many_cells_as_its_header(page: str) -> None:
    assert_rows_fit_headers(page, 6)


def test_it_opens_with_inputs_faults_and_losses(page: str) -> None:
    assert "inputs tried: **10,000**" in page
    assert "faults survived: **17 of 17**" in page
    assert "requests lost: **0** of 28,868" in page


def test_what_was_lost_is_counted_over_all_parts(parts: dict[str, Any]) -> None:
    parts["attacks"]["figures"]["attacks"][0]["traffic"]["failed"] = 2
    parts["failover"]["figures"]["failed"] = [(1.0, "/upload", "502 b'...'")]
    assert requests_lost(parts)[0] == 3
    assert "- lost at 1.0 s, /upload: `502 b'...'`" in write_page(parts, [])


def test_a_backend_that_died_and_a_test_that_failed_are_faults_not_survived(parts: dict[str, Any]) -> None:
    parts["attacks"]["figures"]["attacks"][0]["backend_lives"] = False
    parts["faults"]["figures"]["tests"][0].update(outcome="failed", reason="it hung")
    assert faults_survived(parts) == (15, 17)
    page = write_page(parts, [])
    assert "**died**" in page
    assert "failed: it hung" in page


def test_every_verdict_is_shown(page: str) -> None:
    rows = tables(page)[0][2:]
    assert all(row.endswith("| held |") for row in rows)
    assert f"{len(rows)} of {len(rows)} held." in page


def test_some_parts_make_a_page_too(parts: dict[str, Any]) -> None:
    page = write_page({"codec": parts["codec"]}, [])
    assert "| Half an hour of mixed load | not tried | **not held** |" in page
    assert inputs_tried({"codec": parts["codec"]}) == 7500
    assert SOAK_PLOT not in page


def test_a_part_that_failed_is_shown_as_that(parts: dict[str, Any]) -> None:
    parts["soak"].update(error="RuntimeError: a | in it", figures=None)
    assert "the part itself failed: RuntimeError: a / in it" in write_page(parts, [])


def test_a_quick_run_says_so(parts: dict[str, Any], page: str) -> None:
    assert "Quick run" not in page
    parts["codec"]["quick"] = True
    assert "Quick run" in write_page(parts, [])


class TestPlots:
    def test_all_are_drawn_and_small(self, parts: dict[str, Any]) -> None:
        plots = draw_plots(parts)
        assert list(plots) == [ATTACKS_PLOT, FAILOVER_PLOT, SOAK_PLOT]
        assert all(file.startswith(b"\x89PNG") and len(file) < 200_000 for file in plots.values())

    def test_what_was_not_measured_is_not_drawn(self, parts: dict[str, Any]) -> None:
        parts["soak"]["figures"] = None
        del parts["attacks"]
        assert list(draw_plots(parts)) == [FAILOVER_PLOT]

    def test_a_bucket_without_answers_is_left_out(self) -> None:
        assert latency_per_bucket([(0.0, 1.0), (1.0, 3.0), (25.0, 7.0)], 10, 100) == ([5.0, 25.0], [3.0, 7.0])
