"""Who is let in: the state of the service, room for requests and their bytes, turns, deadlines, the memory bound."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from robyn import Request

from src.api.requests import MOST_VALUES, take_body
from src.config.settings import Settings
from src.core.budget import Budget
from src.core.errors import Busy, Draining, Starting, TimedOut
from src.core.stage_times import Stage, StageTimes
from src.services.image_store import MOST_WAITING_BYTES
from src.utils.preprocessing import PREVIEW_LONGEST_SIDE

if TYPE_CHECKING:
    from src.services.analysis import Pictures

_Result = TypeVar("_Result")

_POLL_SECONDS = 0.02

# The usual client sends 5 to 8 frames of less than a megapixel; the largest photos of phones have 50.
_MOST_FRAMES_OF_SMALL = 8
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
    memory. Large ones take turns of their own, one at a time: small ones overtake those that wait, and each kind is
    answered in the order in which it came.
    """

    def __init__(self, at_once: int) -> None:
        """
        Args:
            at_once: how many have a turn, one of them large; 2 or more.
        """
        self._for_small = asyncio.Semaphore(at_once - 1)
        self._for_large = asyncio.Semaphore(1)
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Requests that have not had their turn."""
        return self._waiting

    @asynccontextmanager
    async def turn(self, times: StageTimes, *, large: bool = False) -> AsyncIterator[None]:
        """Waits, which counts as `Stage.QUEUE`, and then has one of the turns for as long as the block lasts."""
        free = self._for_large if large else self._for_small
        self._waiting += 1
        try:
            with times.measure(Stage.QUEUE):
                await free.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            free.release()


class Body:
    """The body of a request, until it is taken: then only whoever took it keeps it in memory."""

    def __init__(self, content: str | bytes) -> None:
        self._content = content

    def take(self) -> str | bytes:
        content, self._content = self._content, b""
        return content


class Admission:
    """Lets requests in, one by one, as far as there is room for them.

    Attributes:
        lifecycle: of this process.
        line: of the requests that have been let in and wait for their turn.
    """

    def __init__(self, settings: Settings) -> None:
        self.lifecycle = Lifecycle(settings.max_requests_in_flight, settings.max_bytes_in_flight)
        self.line = WaitingLine(2)
        self._max_body_mb = settings.max_body_mb

    def open(self, requests_at_once: int) -> None:
        """The services are there: requests are let in, and so many of them are worked on at once."""
        self.line = WaitingLine(requests_at_once)
        self.lifecycle.ready()

    @contextlib.contextmanager
    def place(self, request: Request) -> Iterator[Body]:
        """A place and memory for this request for as long as the block lasts; gives its body.

        Raises:
            BodyTooLarge, InvalidJson: see `take_body`.
            Starting, Draining, Busy: see `Lifecycle.work`.
        """
        content = take_body(request, self._max_body_mb)
        size, body = len(content), Body(content)
        del content
        with self.lifecycle.work(size):
            yield body

    def turn(self, pictures: Pictures, times: StageTimes) -> AbstractAsyncContextManager[None]:
        """A turn for this request for as long as the block lasts, see `WaitingLine`. Large is what keeps the workers
        busy for seconds.
        """
        large = len(pictures.readable) > _MOST_FRAMES_OF_SMALL or pictures.pixels > _MOST_PIXELS_OF_SMALL
        return self.line.turn(times, large=large)


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


_VALUES_BYTES = MOST_VALUES * 250
_BYTES_PER_PIXEL = 20
_BYTES_PER_PIXEL_SAVED = 12
_PREVIEW_BYTES = PREVIEW_LONGEST_SIDE**2 * 3
_ANSWER_BYTES = 28 * _PREVIEW_BYTES


def memory_of_requests(settings: Settings, requests_at_once: int, input_side: int) -> int:
    """How much memory requests can take, however many come at once and whatever is in them.

    In bytes, beside what the process takes after its start:

          2 B                    bodies in flight: Robyn keeps each until it is answered, we its text or its frames
        + W (4 b + v + 20 p)     what a worker is in the middle of: one body parsed, or one frame decoded and searched
        + E 2 (c + s)            crops of the requests that have their turn, two eyes per frame
        + T 28 c                 their answers: four previews, once as PNG, and as text up to five times on its way out
        + q + 12 p               pictures that wait for the disk, and the one being written; nothing without SAVE_...

        B  MAX_MEMORY_IN_FLIGHT_MB; one body more is answered 503
        b  MAX_BODY_MB; an escaped character can make Python keep a text in four bytes per character
        v  200,000 values beside the pictures (`requests.py`) of at most 250 bytes
        p  MAX_IMAGE_PIXELS; 18 bytes per pixel is the most that was measured, of WebP; 3 of them are the picture itself
        c  512 x 512 x 3, the largest preview;  s  the network's input, 224 x 224 x 3
        q  what `image_store.py` lets wait
        W  workers;  T  requests that have a turn
        E  frames of these: MAX_FRAMES of the large one, at most 8 of each other

    It holds because a request keeps its place, its turn and its share of B until no thread works for it any more, also
    one that was given up (`within`, `workers.py`), and because crops are copies, so that no frame outlives its step.
    Not in it: bodies that are still being received, and answers that are being sent: those are Robyn's, which has no
    limit, but the gateway has. Nor what the allocator keeps for later.

    Args:
        settings: of the whole service.
        requests_at_once: how many have a turn.
        input_side: of the square that the network takes, in pixels.

    Returns:
        the sum above, in bytes.
    """
    bodies = 2 * settings.max_bytes_in_flight
    step = 4 * settings.max_body_bytes + _VALUES_BYTES + _BYTES_PER_PIXEL * settings.max_image_pixels
    frames = settings.max_frames + (requests_at_once - 1) * min(settings.max_frames, _MOST_FRAMES_OF_SMALL)
    crops = frames * 2 * (_PREVIEW_BYTES + input_side**2 * 3)
    saving = settings.save_temp_images or settings.save_eyes
    disk = MOST_WAITING_BYTES + _BYTES_PER_PIXEL_SAVED * settings.max_image_pixels if saving else 0
    return bodies + settings.worker_thread_count * step + crops + requests_at_once * _ANSWER_BYTES + disk
