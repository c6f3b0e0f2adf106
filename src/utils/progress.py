"""A line that says how far a long step is and how long it will take."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_BAR_WIDTH = 24


class Progress:
    """Counts steps of one task; rewrites its line on a terminal, with a bar, writes a line now and then elsewhere."""

    def __init__(self, task: str, total: int, out: TextIO | None = None) -> None:
        self._task = task
        self._total = total
        self._out = out or sys.stderr
        self._done = 0
        self._start = time.monotonic()
        self._last_line = self._start
        self._line_is_open = False

    def advance(self, steps: int = 1) -> None:
        """Says that this many steps more are done."""
        if steps == 0:
            return
        self._done += steps
        now = time.monotonic()
        on_terminal = self._out.isatty()
        finished = self._done >= self._total
        if not finished and now - self._last_line < (0.2 if on_terminal else 15.0):
            return
        self._last_line = now
        elapsed = now - self._start
        left = elapsed / self._done * max(0, self._total - self._done)
        line = f"{self._done}/{self._total}, {_minutes(elapsed)} gone, {_minutes(left)} left"
        line = f"\r{self._task}: {self._bar()} {line}   " if on_terminal else f"{self._task}: {line}"
        self._line_is_open = on_terminal and not finished
        print(line, end="" if self._line_is_open else "\n", file=self._out, flush=True)

    def end_line(self) -> None:
        """Leaves the line as it stands, so that what is printed next has one of its own."""
        if self._line_is_open:
            print(file=self._out, flush=True)
            self._line_is_open = False

    def _bar(self) -> str:
        filled = min(_BAR_WIDTH, _BAR_WIDTH * self._done // max(1, self._total))
        return f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}]"


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
