"""SIGTERM and Ctrl-C, kept for the one thread that waits for them. Imports nothing that could start a thread."""

from __future__ import annotations

import signal

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


def block_stop_signals() -> None:
    """Must run before any other thread exists, because threads inherit the mask.

    Robyn hangs on a SIGTERM that its own threads take, and NumPy and TensorFlow start threads when they are imported.
    Windows has no such masks; there, Ctrl-C ends the process at once.
    """
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def second_stop_signal() -> bool:
    """Whether somebody has asked again: then what is in flight is not waited for."""
    return bool(signal.sigpending() & STOP_SIGNALS)
