"""Whether the service is starting, ready or draining, and how many requests of which size it is working on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from enum import Enum

from src.core.budget import Budget
from src.core.errors import Busy, Draining, Starting

_POLL_SECONDS = 0.02


class State(str, Enum):
    STARTING = "Starting"
    READY = "Healthy"
    DRAINING = "Draining"


class Lifecycle:
    """State and in-flight count of one process. Safe to use from many threads."""

    def __init__(self, max_requests_in_flight: int, max_bytes_in_flight: int) -> None:
        self._max_requests_in_flight = max_requests_in_flight
        self._bytes = Budget(max_bytes_in_flight)
        self._lock = threading.Lock()
        self._in_flight = 0
        self._state = State.STARTING

    @property
    def state(self) -> State:
        return self._state

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def bytes_in_flight(self) -> int:
        """Of the bodies of those requests."""
        return self._bytes.taken

    def ready(self) -> None:
        """The model has answered its warm-up; a process that is draining already stays so."""
        with self._lock:
            if self._state is State.STARTING:
                self._state = State.READY

    def drain(self) -> None:
        """From now on work is refused, and /health tells load balancers to look elsewhere."""
        with self._lock:
            self._state = State.DRAINING

    @contextlib.contextmanager
    def work(self, body_bytes: int) -> Iterator[None]:
        """Counts one request in flight, and its body for as long: what comes out of the body is about as large.

        Raises:
            Starting, Draining, Busy: there is no room for it now.
        """
        with self._lock:
            if self._state is State.STARTING:
                raise Starting
            if self._state is State.DRAINING:
                raise Draining
            if self._in_flight >= self._max_requests_in_flight or not self._bytes.take(body_bytes):
                raise Busy
            self._in_flight += 1
        try:
            yield
        finally:
            self._bytes.give_back(body_bytes)
            with self._lock:
                self._in_flight -= 1

    def wait_until_idle(self, timeout_seconds: float, hurry: Callable[[], bool]) -> bool:
        """Blocks until nothing is in flight; False if it gave up after `timeout_seconds` or because of `hurry`."""
        give_up_at = time.monotonic() + timeout_seconds
        while self._in_flight:
            if time.monotonic() >= give_up_at or hurry():
                return False
            time.sleep(_POLL_SECONDS)
        return True
