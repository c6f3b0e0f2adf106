"""What the supervisor wakes up for: signals, and the time."""

from __future__ import annotations

import logging
import signal
import time

from src.config.process import NOTED_SIGNALS, STOP_SIGNALS, block_signals

_log = logging.getLogger("eyenet.supervisor")


class Wakeups:
    """Takes these signals of the process for itself, so there is one of it, on the only thread.

    A timer's signal and not `sigtimedwait`, which macOS lacks.
    """

    def __init__(self) -> None:
        # Not a constant: Windows imports this file, and has no such signals.
        self._others = {signal.SIGCHLD, signal.SIGALRM}
        block_signals()
        signal.pthread_sigmask(signal.SIG_BLOCK, self._others)
        # What is ignored by default may be thrown away although it is blocked, as on macOS; and a parent that left
        # SIGCHLD ignored would have children vanish before anybody could ask how they ended.
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def give_up(self) -> None:
        """In a child: only what `block_signals` blocks is not as in any other process."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._others)

    def next(self, until: float) -> signal.Signals:
        """The next signal; SIGALRM at the latest at `until` on the monotonic clock."""
        # 0 would switch the timer off.
        signal.setitimer(signal.ITIMER_REAL, max(until - time.monotonic(), 0.001))
        received = signal.Signals(signal.sigwait(STOP_SIGNALS | NOTED_SIGNALS | self._others))
        signal.setitimer(signal.ITIMER_REAL, 0)
        if received in NOTED_SIGNALS:
            _log.info("%s means nothing here", received.name)
        return received

    def stop_signal_within(self, seconds: float) -> signal.Signals | None:
        """Sleeps, unless a stop signal comes, which is returned."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            received = self.next(until)
            if received in STOP_SIGNALS:
                return received
        return None
