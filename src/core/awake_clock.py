"""A clock that stands still while its process does."""

from __future__ import annotations

import time
from collections.abc import Callable


class AwakeClock:
    """Seconds in which this process was awake, as far as it looks at the clock often enough.

    A process that is stopped (SIGSTOP, Ctrl-Z, a paused container) or whose machine is asleep cannot look; and what it
    watches was most likely stopped as well.
    """

    def __init__(self, longest_pause_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            longest_pause_s: how much of the time between two looks counts; they have to come more often than that.
            clock: gives seconds, and never goes back.
        """
        self._longest_pause_s = longest_pause_s
        self._clock = clock
        self._looked_at = clock()
        self._awake_s = 0.0

    def seconds(self) -> float:
        """Since it was made."""
        now = self._clock()
        self._awake_s += min(now - self._looked_at, self._longest_pause_s)
        self._looked_at = now
        return self._awake_s
