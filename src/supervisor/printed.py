"""What libraries print in the server process, warnings of decoders and last words, comes into the log in moderation.

The server process holds one end of a pipe as its standard output and error, the supervisor reads the other. So last
words are read after a death, nobody who prints waits for whoever reads the log, and a picture of which a decoder warns
50,000 times costs a few lines.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque

_MOST_LINES_A_MINUTE = 200
_LAST_WORDS = 20
_LONGEST_LINE = 1_000
# The most that a pipe holds, where it may hold so much; the supervisor does not look all the time.
_PIPE_BYTES = 1 << 20
# After a death it is empty sooner, unless a process that the server process left behind goes on printing.
_MOST_CHUNKS_LEFT = 64
_STDOUT, _STDERR = 1, 2

_log = logging.getLogger("eyenet.printed")


class Printed:
    """The pipe. Made before the fork; each process then keeps one end."""

    def __init__(self) -> None:
        """
        Raises:
            OSError: no descriptor is left.
        """
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        # Linux alone has it, and lets only so many pipes of a user be large.
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl  # noqa: PLC0415

            fcntl.fcntl(self._writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        self._begun = b""
        self._minute_began = time.monotonic()
        self._shown = 0
        self._not_shown = 0
        self._latest: deque[bytes] = deque(maxlen=_LAST_WORDS)

    def take_over(self) -> None:
        """In the server process: what is printed from now on goes to the supervisor."""
        os.dup2(self._writing, _STDOUT)
        os.dup2(self._writing, _STDERR)
        self.close()

    def leave_to_the_server(self) -> None:
        """In the supervisor."""
        os.close(self._writing)

    def show(self) -> bool:
        """Logs what has been printed, never waiting for more; whether there was anything."""
        if time.monotonic() - self._minute_began >= 60:
            self._sum_up()
        chunk = self._read()
        *lines, self._begun = (self._begun + chunk).split(b"\n")
        for line in lines:
            self._show(line)
        # A line without an end must not grow for ever.
        self._begun = self._begun[:_LONGEST_LINE]
        return bool(chunk)

    def show_last_words(self) -> None:
        """After the end of the server process: the rest, and of what was too much the last lines. Closes the pipe."""
        for _ in range(_MOST_CHUNKS_LEFT):
            if not self.show():
                break
        self._show(self._begun)
        latest = self._latest.copy()
        self._sum_up()
        for line in latest:
            self._show(line)
        os.close(self._reading)

    def close(self) -> None:
        """Both ends."""
        os.close(self._reading)
        os.close(self._writing)

    def _read(self) -> bytes:
        with contextlib.suppress(BlockingIOError):
            return os.read(self._reading, _PIPE_BYTES)
        return b""

    def _show(self, line: bytes) -> None:
        if not line.strip():
            return
        if self._shown < _MOST_LINES_A_MINUTE:
            self._shown += 1
            text = line[:_LONGEST_LINE].decode("utf-8", "replace")
            # Nothing that a terminal would obey, or that looks like a line of ours.
            _log.warning("%s", "".join(sign if sign.isprintable() or sign == "\t" else "?" for sign in text))
        else:
            self._not_shown += 1
            self._latest.append(line)

    def _sum_up(self) -> None:
        if self._not_shown:
            _log.warning("%d more lines were printed within a minute", self._not_shown)
        self._minute_began = time.monotonic()
        self._shown = self._not_shown = 0
        self._latest.clear()
