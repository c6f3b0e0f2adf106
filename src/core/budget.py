"""An amount of something scarce, such as memory, that those who need it share."""

from __future__ import annotations

import threading


class Budget:
    """What is taken has to be given back. Safe to use from many threads."""

    def __init__(self, whole: int) -> None:
        self._whole = whole
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def taken(self) -> int:
        return self._taken

    def take(self, amount: int) -> bool:
        """False, and nothing is taken, where there is not so much left.

        Who comes when nothing is taken gets what he asks for, were it more than the whole: else he would never get it.
        """
        with self._lock:
            if self._taken and self._taken + amount > self._whole:
                return False
            self._taken += amount
            return True

    def give_back(self, amount: int) -> None:
        with self._lock:
            self._taken -= amount
