"""Who is let in: the state of the service, room for requests and their bytes, turns, deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sized
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from robyn import Request

from src.config.settings import Settings
from src.core.budget import Budget
from src.core.errors import Busy, Draining, Starting, TimedOut
from src.core.stage_times import Stage, StageTimes

if TYPE_CHECKING:
    from src.services.analysis import Pictures
    from src.services.workers import Room

_Result = TypeVar("_Result")
_Sent = TypeVar("_Sent", bound=Sized)

_POLL_SECONDS = 0.02

MOST_FRAMES_OF_SMALL = 8
"""More are a large request. The usual client sends 5 to 8, of less than a megapixel."""

# The largest photos of phones have 50.
_MOST_PIXELS_OF_SMALL = 50_000_000


class Phase(str, Enum):
    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Lifecycle:
    """Whether this process is starting, ready or draining, and what is in flight. Safe to use from many threads."""

    def __init__(self, max_requests_in_flight: int, max_bytes_in_flight: int) -> None:
        self._max_requests_in_flight = max_requests_in_flight
        self._bytes = Budget(max_bytes_in_flight)
        self._lock = threading.Lock()
        self._in_flight = 0
        self._phase = Phase.STARTING

    @property
    def phase(self) -> Phase:
        return self._phase

    @property
    def in_flight(self) -> int:
        return self._in_flight

    def ready(self) -> None:
        """The model has answered its warm-up. A process that is already draining goes on draining."""
        with self._lock:
            if self._phase is Phase.STARTING:
                self._phase = Phase.READY

    def drain(self) -> None:
        """From now on work is refused, and /health tells load balancers to look elsewhere."""
        with self._lock:
            self._phase = Phase.DRAINING

    @contextlib.contextmanager
    def work(self, body_bytes: int) -> Iterator[None]:
        """Counts one request in flight, and its bytes for as long: what is made of a body is about as large as it.

        Raises:
            Starting, Draining, Busy: there is no room for it now.
        """
        with self._lock:
            if self._phase is Phase.STARTING:
                raise Starting
            if self._phase is Phase.DRAINING:
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


class WaitingLine:
    """Lets as many requests be worked on as keep all workers busy, and no more: only what is made of these few is in
    memory. Large ones take turns of their own, one at a time: small ones overtake those that wait, and each kind
    takes its turns in the order in which it came.
    """

    def __init__(self, at_once: int) -> None:
        """
        Args:
            at_once: how many have a turn, one of them large; 2 or more.
        """
        self._for_small = asyncio.Semaphore(at_once - 1)
        self._for_large = asyncio.Semaphore(1)
        self._waiting = 0
        self._large = 0

    @property
    def waiting(self) -> int:
        """Requests that have not had their turn."""
        return self._waiting

    @property
    def large(self) -> int:
        """Large requests that wait or are worked on."""
        return self._large

    @asynccontextmanager
    async def turn(self, times: StageTimes, *, large: bool = False) -> AsyncIterator[None]:
        """Waits, which counts as `Stage.QUEUE`, and then has one of the turns for as long as the block lasts."""
        free = self._for_large if large else self._for_small
        self._large += large
        self._waiting += 1
        try:
            try:
                with times.measure(Stage.QUEUE):
                    await free.acquire()
            finally:
                self._waiting -= 1
            try:
                yield
            finally:
                free.release()
        finally:
            self._large -= large


class RoomBesideOthers:
    """Room for so many frames of a large request at once, and for one fewer while others are in flight: what they need
    done then finds a worker, which a frame of a dozen megapixels would keep for half a second.
    """

    def __init__(self, frames: int, others: Callable[[], int]) -> None:
        """`others` says how many other requests there are."""
        self._frames = frames
        self._others = others
        self._inside = 0
        self._left = asyncio.Condition()

    async def __aenter__(self) -> None:
        async with self._left:
            await self._left.wait_for(lambda: self._inside < max(1, self._frames - (self._others() > 0)))
            self._inside += 1

    async def __aexit__(self, *_error: object) -> None:
        async with self._left:
            self._inside -= 1
            # Also those who found others last time, and may find none now.
            self._left.notify_all()


class Body(Generic[_Sent]):
    """The body of a request, until it is taken: then only whoever took it keeps it in memory."""

    def __init__(self, content: _Sent) -> None:
        self._content = [content]

    def take(self) -> _Sent:
        return self._content.pop()


class Admission:
    """Lets requests in, one by one, as far as there is room for them.

    Attributes:
        lifecycle: of this process.
        line: of the requests that have been let in and wait for their turn.
    """

    def __init__(self, settings: Settings) -> None:
        self.lifecycle = Lifecycle(settings.max_requests_in_flight, settings.max_bytes_in_flight)
        self.line = WaitingLine(2)
        self._frames_at_once = 1
        self._max_body_mb = settings.max_body_mb

    def open(self, requests_at_once: int, frames_at_once: int) -> None:
        """The services are there: requests are let in; so many, and so many frames of each, are worked on at once."""
        self.line = WaitingLine(requests_at_once)
        self._frames_at_once = frames_at_once
        self.lifecycle.ready()

    @contextlib.contextmanager
    def place(self, request: Request, take: Callable[[Request, int], _Sent]) -> Iterator[Body[_Sent]]:
        """A place and memory for this request for as long as the block lasts; gives its body, which `take` takes.

        Raises:
            BodyTooLarge, UnsupportedContentType, InvalidPayload: see `take_upload`.
            Starting, Draining, Busy: see `Lifecycle.work`.
        """
        content = take(request, self._max_body_mb)
        size, body = len(content), Body(content)
        del content
        with self.lifecycle.work(size):
            yield body

    @asynccontextmanager
    async def turn(self, pictures: Pictures, times: StageTimes) -> AsyncIterator[Room]:
        """A turn for this request for as long as the block lasts, see `WaitingLine`; gives room for its frames.

        Large is what keeps the workers busy for seconds.
        """
        large = len(pictures.readable) > MOST_FRAMES_OF_SMALL or pictures.pixels > _MOST_PIXELS_OF_SMALL
        async with self.line.turn(times, large=large):
            if large:
                yield RoomBesideOthers(self._frames_at_once, lambda: self.lifecycle.in_flight - self.line.large)
            else:
                yield asyncio.Semaphore(self._frames_at_once)


async def within(seconds: float, work: Coroutine[Any, Any, _Result]) -> _Result:
    """What the work returns or raises, if it does so in time.

    Work that is late is cancelled, and whoever asked is told at once. A thread that is in the middle of something still
    comes to its end; only then does the work give back its turn and its place.

    Raises:
        TimedOut: the time is over.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        # Also when the caller is cancelled; a task that is done is not changed by it.
        is_late = task.cancel()
    if is_late:
        # Nobody waits for the outcome any more; if nobody looked at it, asyncio would log it as an error of ours.
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise TimedOut
    return task.result()
