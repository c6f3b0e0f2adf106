"""The line says how far and how long."""

from __future__ import annotations

import io

from src.utils.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_last_step_is_always_told() -> None:
    out = io.StringIO()
    progress = Progress("bake", 3, out)
    for _ in range(3):
        progress.advance()
    assert out.getvalue() == "bake: 3/3, 0:00 gone, 0:00 left\n"


def test_a_terminal_gets_a_bar_on_a_line_that_is_written_over() -> None:
    out = Terminal()
    progress = Progress("bake", 2, out)
    progress._last_line -= 1
    progress.advance()
    assert out.getvalue().startswith("\rbake: [############............] 1/2, 0:00 gone")
    assert "\n" not in out.getvalue()
    progress.advance()
    assert out.getvalue().count("\r") == 2
    assert out.getvalue().endswith("[########################] 2/2, 0:00 gone, 0:00 left   \n")


def test_what_stops_half_way_can_leave_the_line() -> None:
    out = Terminal()
    progress = Progress("bake", 2, out)
    progress.end_line()
    assert out.getvalue() == ""
    progress._last_line -= 1
    progress.advance()
    progress.end_line()
    progress.end_line()
    assert out.getvalue().count("\n") == 1
