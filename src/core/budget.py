"""A limited amount of something, such as memory, that several requests share."""

from __future__ import annotations

import threading


class Budget:
    """Counts what is taken of the whole. Safe to use from many threads."""

    def __init__(self, whole: int) -> None:
        self._whole = whole
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def taken(self) -> int:
        return self._taken

    def take(self, amount: int) -> bool:
        """Takes the amount; False, and nothing is taken, if there is not that much left.

        When nothing else is taken, any amount is granted, even more than the whole: it would otherwise never be.
        """
        with self._lock:
            if self._taken and self._taken + amount > self._whole:
                return False
            self._taken += amount
            return True

    def give_back(self, amount: int) -> None:
        """Returns what an earlier `take` took."""
        with self._lock:
            self._taken -= amount
