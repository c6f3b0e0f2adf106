"""Requests take turns: a few are worked on, the others wait in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from src.core.stage_times import Stage, StageTimes


class Turns:
    """Lets so many requests be worked on that no worker is idle, and no more: the first to come is the first answered,
    and only their pictures are in memory.
    """

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Requests that have not had their turn."""
        return self._waiting

    @asynccontextmanager
    async def turn(self, times: StageTimes) -> AsyncIterator[None]:
        """Waits, which counts as `Stage.QUEUE`, and then has one of the turns for as long as the block lasts."""
        self._waiting += 1
        try:
            with times.measure(Stage.QUEUE):
                await self._free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
