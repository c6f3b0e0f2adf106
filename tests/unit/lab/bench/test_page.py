from __future__ import annotations

from typing import Any

import pytest

from lab.bench.figures import Figures
from lab.bench.page import write_page
from lab.bench.plots import LATENCY, MEMORY, STAGES, draw_plots
from tests.unit.markdown_tables import assert_rows_fit_headers, tables


@pytest.fixture
def page(raw: dict[str, Any]) -> str:
    return write_page(Figures(raw), [LATENCY, STAGES, MEMORY])


def test_every_row_of_a_table_has_as_many_cells_as_its_header(page: str) -> None:
    assert_rows_fit_headers(page, 6)


def test_it_says_of_each_aim_whether_it_is_met(page: str) -> None:
    aims = tables(page)[0][2:]
    assert all(line.endswith(("| met |", "| **not met** |")) for line in aims)
    assert f"{len(aims) - 1} of {len(aims)} met." in page


def test_throughput_is_a_multiple_of_this_service(page: str) -> None:
    (line,) = [line for line in tables(page)[1] if line.startswith("| /upload, a photo of one eye | 16 |")]
    assert line.split(" | ")[2:] == [
        "90.0",
        "0.50 (0.50-0.50)",
        "0.56 (0.56-0.56)",
        "0.02 (0.02-0.02)",
        "1.07 (1.07-1.07) |",
    ]


def test_cells_that_took_too_long_are_said_to_be_left_out(page: str, raw: dict[str, Any]) -> None:
    assert "| left out |" in page
    assert "longer than 16 s" in page
    for one in raw["rounds"]:
        del one["sides"]["usual"]
    assert "left out" not in write_page(Figures(raw), []).lower().replace("leave out", "")


def test_the_machine_is_described(page: str) -> None:
    assert "Some Processor, 2 cores (avx2), 16.0 GiB; Some Linux" in page
    assert "numpy 1.26.4" in page
    assert "bfloat16 by default" in page


def test_plots_that_are_not_there_are_not_shown(raw: dict[str, Any]) -> None:
    page = write_page(Figures(raw), [LATENCY])
    assert f"(results/{LATENCY})" in page
    assert STAGES not in page
    assert MEMORY not in page


def test_the_share_of_the_load_generator_is_said(page: str) -> None:
    assert "takes up to 2% of one" in page


def test_a_quick_run_says_so(raw: dict[str, Any], page: str) -> None:
    assert "Quick run" not in page
    raw["quick"] = True
    assert "Quick run" in write_page(Figures(raw), [])


def test_figures_of_one_side_make_a_page_too(raw: dict[str, Any]) -> None:
    for one in raw["rounds"]:
        one["sides"] = {"service": one["sides"]["service"]}
    raw["agreement"] = {"sides": {}}
    page = write_page(Figures(raw), [])
    assert "FastAPI and ONNX Runtime: at least 1.4 times | not measured | not decided |" in page
    assert "answer the same?" not in page


class TestPlots:
    def test_all_are_drawn_and_small(self, raw: dict[str, Any]) -> None:
        plots = draw_plots(Figures(raw))
        assert list(plots) == [LATENCY, STAGES, MEMORY]
        assert all(file.startswith(b"\x89PNG") and len(file) < 200_000 for file in plots.values())

    def test_without_server_timing_there_are_no_stages(self, raw: dict[str, Any]) -> None:
        for one in raw["rounds"]:
            for side in one["sides"].values():
                for cell in side["cells"]:
                    cell.pop("stages_ms", None)
        assert list(draw_plots(Figures(raw))) == [LATENCY, MEMORY]

    def test_without_the_memory_run_there_is_no_plot_of_it(self, raw: dict[str, Any]) -> None:
        raw["memory"] = None
        assert list(draw_plots(Figures(raw))) == [LATENCY, STAGES]
