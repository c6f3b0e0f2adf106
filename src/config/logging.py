"""Log lines: UTC time, level, logger, then key=value pairs, as text or JSON. Never pixels, base64, scores or file names
of users.

Nobody waits for whoever reads the log. A pipe that is not read and a terminal after Ctrl-S take nothing more; then
lines are dropped, and before the next one that can be written stands how many.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import re
import select
import sys
import threading
import time

_MOST_LINES_WAITING = 2_000
_LONGEST_FLUSH_S = 1.0
# What a pipe takes at once or not at all, and without waiting if it takes anything (POSIX, write(): PIPE_BUF).
_MOST_BYTES_AT_ONCE = 4096
_STDOUT = 1
_PAIRS = re.compile(r"[a-z_]+=\S*( [a-z_]+=\S*)*")


def configure_logging(level: str, form: str = "text") -> None:
    """Sends every log line to standard output, as `text` or `json`.

    Must run before Robyn is built: it configures logging if nobody has.
    """
    handler = logging.StreamHandler(sys.stdout)
    make = _JsonFormatter if form == "json" else logging.Formatter
    formatter = make("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A line that cannot be written is no reason to write a traceback beside it.
    logging.raiseExceptions = False
    # Below WARNING, libraries log what they like, parts of requests included.
    for name in ("robyn", "actix_server", "actix_http", "asyncio", "PIL", "tensorflow", "h5py"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _JsonFormatter(logging.Formatter):
    """An object per line. Of a line that is all key=value, each pair is a field, times as numbers.

    All text is ASCII, so that no line is broken by what somebody's locale makes of it.
    """

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        fields: dict[str, str | float] = {
            "time": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        if _PAIRS.fullmatch(message):
            for pair in message.split(" "):
                key, _, value = pair.partition("=")
                fields.setdefault(key, float(value) if f"_{key}".endswith("_ms") else value)
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields)


def log_on_a_thread() -> None:
    """From now on a thread writes the log, to what is standard output at this moment. For the server process."""
    _replace_handlers(_QueueHandler())


def log_if_it_can_be_written() -> None:
    """From now on a line is written if that takes no waiting. For the supervisor, which has no second thread."""
    _replace_handlers(_PollHandler())


def _replace_handlers(handler: _BytesHandler) -> None:
    root = logging.getLogger()
    handler.setFormatter(root.handlers[0].formatter if root.handlers else None)
    root.handlers[:] = [handler]


class _BytesHandler(logging.Handler):
    """Offers each line to `_take`, and remembers how many it did not take."""

    def __init__(self) -> None:
        super().__init__()
        self._dropped = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._dropped and self._take(self._line(self._notice())):
                self._dropped = 0
            if self._dropped or not self._take(self._line(record)):
                self._dropped += 1
        except Exception:
            # Whatever is wrong with a line, who logs it goes on.
            self.handleError(record)

    def _notice(self) -> logging.LogRecord:
        words = "%d lines of the log were dropped: nobody read it"
        return logging.LogRecord("eyenet.log", logging.WARNING, "", 0, words, (self._dropped,), None)

    def _line(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode("utf-8", "backslashreplace")

    def _take(self, line: bytes) -> bool:
        raise NotImplementedError


class _PollHandler(_BytesHandler):
    def _take(self, line: bytes) -> bool:
        output = select.poll()
        output.register(_STDOUT, select.POLLOUT)
        if not any(event & select.POLLOUT for _, event in output.poll(0)):
            return False
        # A full disk, or a pipe that was closed: nobody can be told.
        with contextlib.suppress(OSError):
            os.write(_STDOUT, line[:_MOST_BYTES_AT_ONCE])
        return True


class _QueueHandler(_BytesHandler):
    def __init__(self) -> None:
        super().__init__()
        # Of its own, because standard output itself may be given to something else later.
        self._output = os.dup(_STDOUT)
        self._lines: queue.Queue[bytes] = queue.Queue(_MOST_LINES_WAITING)
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def flush(self) -> None:
        """Waits until all is written, for a second at most: a log that nobody reads keeps nobody from ending."""
        with self._lines.all_tasks_done:
            self._lines.all_tasks_done.wait_for(lambda: self._lines.unfinished_tasks == 0, _LONGEST_FLUSH_S)

    def _take(self, line: bytes) -> bool:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            return False
        return True

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            with contextlib.suppress(OSError):
                while line:
                    line = line[os.write(self._output, line) :]
            self._lines.task_done()
