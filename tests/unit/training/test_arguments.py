"""The commands say what is wrong with a number."""

from __future__ import annotations

import argparse

import pytest

from training.arguments import at_least


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=at_least(2))
    return parser


def test_takes_the_smallest_and_more(parser: argparse.ArgumentParser) -> None:
    assert [parser.parse_args(["--count", text]).count for text in ("2", "30")] == [2, 30]


@pytest.mark.parametrize(("text", "sentence"), [("1", "must be 2 or more, not 1"), ("few", "invalid int value: 'few'")])
def test_says_what_is_wrong(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], text: str, sentence: str
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["--count", text])
    assert sentence in capsys.readouterr().err
