from __future__ import annotations

from pathlib import Path

import pytest

from lab.chaos.plan import FULL, PAGE_FOLDER, PARTS, QUICK, TRIAL_FOLDER, parse_arguments


def test_without_words_everything_is_tried_and_the_page_is_replaced() -> None:
    plan, given = parse_arguments([])
    assert plan == FULL
    assert given.parts == list(PARTS)
    assert given.out == PAGE_FOLDER
    assert not given.redraw


def test_ten_thousand_inputs_are_tried() -> None:
    assert FULL.pictures + FULL.data_uris + FULL.bodies + FULL.requests == 10_000


def test_a_quick_run_leaves_the_page_alone() -> None:
    plan, given = parse_arguments(["--quick"])
    assert plan == QUICK
    assert given.out == TRIAL_FOLDER


def test_parts_are_tried_in_the_order_of_the_page() -> None:
    _plan, given = parse_arguments(["--parts", "soak", "codec", "--out", "elsewhere"])
    assert given.parts == ["codec", "soak"]
    assert given.out == Path("elsewhere")


def test_a_part_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(["--parts", "earthquake"])
    assert stopped.value.code == 2
    assert "earthquake" in capsys.readouterr().err
