"""Ends a server process that cannot go on, to be started again: C code that hangs cannot be stopped otherwise."""

from __future__ import annotations

import asyncio
import logging
import mmap
import time
from collections.abc import Callable
from typing import NoReturn

from src.api.admission import Phase
from src.api.context import ApiContext
from src.config.process import FLUSH_S, LOST, exit_at_once
from src.core.awake_clock import AwakeClock

_log = logging.getLogger("eyenet.watch")

_LOOK_EVERY_S = 1.0
_ARENA_BYTES = 1 << 20
_LAST_ANSWERS_S = 3.0
"""What other requests get to be answered in, once the process is lost."""


class Watch:
    """Looks every second whether the work goes on, the event loop turns, and there is memory left.

    It begins once the services are warm: what a start takes, translating a GPU's kernels perhaps, has no limit here.
    """

    def __init__(self, context: ApiContext, loop: asyncio.AbstractEventLoop, beat: Callable[[], None]) -> None:
        """
        Args:
            context: with its services.
            loop: that the endpoints run on.
            beat: called on the loop every second, as long as it turns.
        """
        self._context = context
        self._loop = loop
        self._beat = beat
        self._turn: object | None = None

    def run(self, seconds_between_looks: float = _LOOK_EVERY_S) -> NoReturn:
        """Returns never: this thread ends with the process, or ends it with the exit code `LOST`."""
        try:
            self._look_until_lost(seconds_between_looks)
            # Those that another thread works for; what hangs is among them, too.
            self._context.admission.lifecycle.wait_until_idle(_LAST_ANSWERS_S, hurry=lambda: False)
            time.sleep(FLUSH_S)
        except Exception:
            # A watch that fails is no reason to go on unwatched.
            _log.critical("the watch failed", exc_info=True)
        finally:
            # Also when there is no memory left to look with.
            exit_at_once(LOST)

    def _look_until_lost(self, seconds: float) -> None:
        clock = AwakeClock(2 * seconds)
        first_seen_s: dict[object, float] = {}
        while not self._context.lost.wait(seconds):
            now_s, running = clock.seconds(), self._running()
            first_seen_s = {work: first_seen_s.get(work, now_s) for work in running}
            for work, seen_s in first_seen_s.items():
                if now_s - seen_s >= self._context.settings.step_timeout_s:
                    self._lose(f"{running[work]} has been running for {now_s - seen_s:.0f} s, and cannot be stopped")
            if not _memory_is_left():
                self._lose("memory ran out")
            if self._context.admission.lifecycle.phase is Phase.READY:
                for problem in self._context.problems():
                    self._lose(problem)
        _log.critical("this process cannot go on and ends now")

    def _lose(self, why: str) -> None:
        _log.critical("%s", why)
        self._context.lose()

    def _running(self) -> dict[object, str]:
        """What has begun and not ended, by what it is itself: steps of the work, and the event loop's turn."""
        running = self._context.services.running()
        if not self._loop.is_running():
            # It has been stopped, and the process is about to end.
            return running
        if self._turn is None:
            self._turn = object()
            self._loop.call_soon_threadsafe(self._end_turn)
        return {**running, self._turn: "the event loop's turn"}

    def _end_turn(self) -> None:
        self._turn = None
        self._beat()


def _memory_is_left() -> bool:
    """Whether Python could get as much as it takes at once for its own objects.

    Where it cannot, requests fail before any code of ours sees them, and Robyn answers each with a bare 500.
    """
    try:
        mmap.mmap(-1, _ARENA_BYTES).close()
    except OSError:
        return False
    return True
