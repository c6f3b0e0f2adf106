"""The line says how far and how long."""

from __future__ import annotations

import io
import os
import re
import sys

import pytest

from src.utils.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_first_and_the_last_step_are_always_told() -> None:
    out = io.StringIO()
    progress = Progress("bake", 3, out)
    for _ in range(3):
        progress.advance()
    assert out.getvalue() == "bake: 0/3, 00:00 gone, ? left\nbake: 3/3, 00:00 gone, 00:00 left\n"


def test_a_terminal_gets_a_bar_on_a_line_that_is_written_over() -> None:
    out = Terminal()
    progress = Progress("bake", 2, out)
    progress.advance()
    progress.advance()
    written = out.getvalue()
    assert written.startswith("\rbake: [........................] 0/2, 00:00 gone, ? left")
    assert re.fullmatch(r"(\rbake: [^\r\n]+)+\n", written)
    assert written.endswith("[########################] 2/2, 00:00 gone, 00:00 left\n")


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_what_stops_half_way_leaves_its_line_as_it_stands(kind: type[io.StringIO]) -> None:
    out = kind()
    progress = Progress("bake", 2, out)
    progress.advance()
    progress.close()
    progress.close()
    assert "1/2, 00:00 gone, 00:00 left\n" in out.getvalue()
    assert out.getvalue().endswith("\n")
    assert "\n\n" not in out.getvalue()


def test_of_nothing_nothing_is_told() -> None:
    out = io.StringIO()
    Progress("bake", 0, out).close()
    assert out.getvalue() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminals")
def test_a_terminal_that_does_not_know_its_size_gets_a_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    keyboard_side, screen_side = os.openpty()
    with open(keyboard_side, "rb", buffering=0) as seen, open(screen_side, "w") as screen:  # noqa: PTH123
        monkeypatch.setattr(sys, "stderr", screen)
        Progress("bake", 2).advance()
        assert b"0/2, 00:00 gone" in seen.read(1000)
