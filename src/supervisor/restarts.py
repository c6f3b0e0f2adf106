"""When the server process is started again, and when that is given up."""

from __future__ import annotations

MAX_FAILED_STARTS = 5
"""So many server processes that die before any was ever ready are a crash loop."""

_FIRST_DELAY_S = 0.5
_LONGEST_DELAY_S = 30.0


class Restarts:
    """Counts the restarts of one supervisor.

    What kills a server process that was ready is most likely a request, and a service that gives up under a stream of
    those does what their sender wants. So it is followed at once, however often it happens; a start takes seconds,
    which is pause enough. Those that die while they load are followed after pauses that double, and given up only if
    none was ever ready: requests may hit them as well.

    Attributes:
        count: how many there were.
        was_ever_ready: whether any server process was.
    """

    def __init__(self) -> None:
        self.count = 0
        self.was_ever_ready = False
        self._failed_starts = 0
        self._delay_s = _FIRST_DELAY_S

    def delay_after(self, *, was_ready: bool) -> float | None:
        """One more server process died.

        Args:
            was_ready: whether it had loaded the model.

        Returns:
            the seconds to wait before the next one is started, None if that is given up.
        """
        self.was_ever_ready |= was_ready
        self._failed_starts = 0 if was_ready else self._failed_starts + 1
        if self._failed_starts >= MAX_FAILED_STARTS and not self.was_ever_ready:
            return None
        self.count += 1
        if self._failed_starts <= 1:
            self._delay_s = _FIRST_DELAY_S
        else:
            self._delay_s = min(2 * self._delay_s, _LONGEST_DELAY_S)
        return self._delay_s
