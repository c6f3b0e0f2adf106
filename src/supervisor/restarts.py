"""When the server process is started again, and when that is given up."""

from __future__ import annotations

MAX_FAILED_STARTS = 5
"""So many server processes that die before they were ready, one after the other, are a crash loop."""

_FIRST_DELAY_S = 0.5


class Restarts:
    """Counts the restarts of one supervisor.

    One that was ready is followed at once, however often it happens: what kills it is most likely a request, and a
    service that gives up under a stream of those, or pauses longer each time, does what their sender wants. A start
    takes seconds, which is pause enough. One that was never ready has a cause that stays; the pauses double, and end.
    """

    def __init__(self) -> None:
        self.count = 0
        self._failed_starts = 0

    def delay_after(self, *, was_ready: bool) -> float | None:
        """One more server process died.

        Args:
            was_ready: whether it had loaded the model.

        Returns:
            the seconds to wait before the next one is started, None if that is given up.
        """
        self._failed_starts = 0 if was_ready else self._failed_starts + 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            return None
        self.count += 1
        return float(_FIRST_DELAY_S * 2 ** max(0, self._failed_starts - 1))
