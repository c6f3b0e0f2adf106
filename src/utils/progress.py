"""How far a long step is and how long it will take (tqdm): a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

from tqdm import tqdm

_COUNTS = "{n_fmt}/{total_fmt}, {elapsed} gone, {remaining} left"


class Progress:
    """Counts the steps of one task."""

    def __init__(self, task: str, total: int, out: TextIO | None = None) -> None:
        """Opens its line with the task; on standard error, if nothing else is given."""
        out = out or sys.stderr
        on_terminal = out.isatty()
        columns, lines = shutil.get_terminal_size()
        self._bar = tqdm(
            desc=task,
            total=total,
            file=out if on_terminal else _Lines(out),
            bar_format="{desc}: " + ("[{bar:24}] " if on_terminal else "") + _COUNTS,
            ascii=".#",
            # Asked for here, because tqdm shows nothing on a terminal that says it has no lines, as some do.
            ncols=columns if on_terminal else None,
            nrows=lines,
            mininterval=0.2 if on_terminal else 15.0,
            # Every step looks at the clock: after many fast ones, a slow one is told as well.
            miniters=1,
            # The time that is left is judged by all steps so far, because the latest may have been unusually slow.
            smoothing=0,
            disable=not total,
        )

    def advance(self, steps: int = 1) -> None:
        """Says that this many steps more are done; the last one closes."""
        self._bar.update(steps)
        if self._bar.n >= self._bar.total:
            self.close()

    def close(self) -> None:
        """Leaves the line as it stands, so that what is printed next has one of its own."""
        self._bar.close()


class _Lines:
    """A file in which what would be written over on a terminal is a line each time."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> None:
        if line := text.strip():
            print(line, file=self._out)

    def flush(self) -> None:
        self._out.flush()
