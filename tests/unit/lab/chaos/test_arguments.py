from __future__ import annotations

from pathlib import Path

import pytest

from lab.chaos.arguments import parse_arguments
from lab.chaos.parts import PARTS
from lab.chaos.plan import FULL, QUICK
from src.config.settings import PROJECT_ROOT


def test_without_words_everything_is_tried_and_the_page_is_replaced() -> None:
    arguments = parse_arguments([])
    assert arguments.plan == FULL
    assert arguments.parts == list(PARTS)
    assert arguments.out == PROJECT_ROOT / "chaos"
    assert not arguments.redraw


def test_ten_thousand_inputs_are_tried() -> None:
    assert FULL.pictures + FULL.data_uris + FULL.bodies + FULL.requests == 10_000


def test_a_quick_run_leaves_the_page_alone() -> None:
    arguments = parse_arguments(["--quick"])
    assert arguments.plan == QUICK
    assert arguments.out == PROJECT_ROOT / "build" / "chaos"


def test_parts_are_tried_in_the_order_of_the_page() -> None:
    arguments = parse_arguments(["--parts", "soak", "codec", "--out", "elsewhere"])
    assert arguments.parts == ["codec", "soak"]
    assert arguments.out == Path("elsewhere")


def test_a_part_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(["--parts", "earthquake"])
    assert stopped.value.code == 2
    assert "earthquake" in capsys.readouterr().err
