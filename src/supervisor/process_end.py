"""How every process of ours ends."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import NoReturn


def exit_at_once(exit_code: int) -> NoReturn:
    """Ends the process without tearing the interpreter down.

    Robyn's own threads may still be taking a request in; when they meet an interpreter that is being torn down, the
    process aborts. By now everything of ours is closed.
    """
    try:
        logging.shutdown()
        flush_output()
    finally:
        os._exit(exit_code)


def flush_output() -> None:
    """Writes what waits to be written, if anybody still reads it: a pipe may be closed, a disk full."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
