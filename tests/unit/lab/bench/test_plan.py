from __future__ import annotations

from pathlib import Path

import pytest

from lab.bench.plan import FULL, PAGE_FOLDER, QUICK, TRIAL_FOLDER, parse_arguments


def test_without_words_everything_is_measured_and_the_page_is_replaced() -> None:
    plan, given = parse_arguments([])
    assert plan == FULL
    assert given.out == PAGE_FOLDER
    assert not given.redraw


@pytest.mark.parametrize("words", [["--quick"], ["--rounds", "1"], ["--sides", "service"], ["--concurrency", "2"]])
def test_less_than_a_full_run_leaves_the_page_alone(words: list[str]) -> None:
    assert parse_arguments(words)[1].out == TRIAL_FOLDER


def test_redrawing_takes_the_page_that_is_there() -> None:
    assert parse_arguments(["--redraw"])[1].out == PAGE_FOLDER
    assert (PAGE_FOLDER / "results" / "figures.json").is_file()


def test_a_quick_run_can_be_changed_too() -> None:
    plan, _given = parse_arguments(["--quick", "--seconds", "0.5"])
    assert plan.seconds == 0.5
    assert plan.rounds == QUICK.rounds


def test_what_is_chosen_is_measured_in_the_order_of_the_table() -> None:
    plan, given = parse_arguments(
        ["--sides", "usual", "service", "--concurrency", "16", "1", "16", "--out", "elsewhere", "--rounds", "2"]
    )
    assert plan.sides == ("service", "usual")
    assert plan.at_once == (1, 16)
    assert plan.rounds == 2
    assert given.out == Path("elsewhere")


@pytest.mark.parametrize(
    "words",
    [["--rounds", "0"], ["--seconds", "0"], ["--seconds", "nan"], ["--concurrency", "-1"], ["--sides", "nobody"]],
)
def test_what_makes_no_sense_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parse_arguments(words)
    assert stopped.value.code == 2
    assert words[0] in capsys.readouterr().err
