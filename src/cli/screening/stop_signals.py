"""Ctrl-C and SIGTERM while pictures are screened: the first asks to finish, the second does not."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_FIRST_EXIT_CODE = 128


class StopRequest:
    """Attributes:
    exit_code: what shells expect of a process that a signal ended; None while there was none.
    """

    def __init__(self) -> None:
        self.exit_code: int | None = None


@contextmanager
def stop_on_signal(stop: Callable[[], None]) -> Iterator[StopRequest]:
    """Calls `stop` on the first signal; the second one interrupts whatever is going on.

    Args:
        stop: called on the main thread, between any two of its steps.
    """
    request = StopRequest()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if request.exit_code is not None:
            raise KeyboardInterrupt
        request.exit_code = _FIRST_EXIT_CODE + number
        stop()

    before = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
