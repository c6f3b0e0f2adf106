"""A line that says how far a long step is and how long it will take."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Progress:
    """Counts steps of one task; rewrites its line on a terminal, writes a line now and then elsewhere."""

    def __init__(self, task: str, total: int, out: TextIO | None = None) -> None:
        self._task = task
        self._total = total
        self._out = out or sys.stderr
        self._done = 0
        self._start = time.monotonic()
        self._last_line = self._start

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
        line = f"{self._task}: {self._done}/{self._total}, {_minutes(elapsed)} gone, {_minutes(left)} left"
        ending = "\n" if finished or not on_terminal else ""
        print(f"\r{line}   " if on_terminal else line, end=ending, file=self._out, flush=True)


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
