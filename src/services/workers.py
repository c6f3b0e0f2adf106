"""The threads on which everything of weight happens, so that the event loop is free for the next request."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, ParamSpec, TypeAlias, TypeVar

from src.core.errors import memory_ran_out

_Arguments = ParamSpec("_Arguments")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _Step(Generic[_Result]):
    """One piece of work that can be emptied: an executor keeps cancelled work, and the megabytes of pictures that
    belong to it, until a thread comes to it.
    """

    def __init__(self, name: str, function: Callable[[], _Result]) -> None:
        self.__name__ = name
        self._function = [function]

    def __call__(self) -> _Result:
        return self._function.pop()()

    def give_up(self) -> None:
        self._function.clear()


class _Running:
    """A piece of work that a thread is in the middle of. Each is itself and no other, however alike they are."""

    def __init__(self, name: str) -> None:
        self.name = name


class _WatchedExecutor(ThreadPoolExecutor):
    """Knows what its threads are in the middle of, and whether memory ran out in one of them."""

    def __init__(self, count: int, name: str) -> None:
        super().__init__(count, thread_name_prefix=name)
        self.running: dict[int, _Running] = {}
        self.memory_ran_out = False

    def submit(
        self, function: Callable[_Arguments, _Result], /, *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> Future[_Result]:
        return super().submit(functools.partial(self._watched, function, *args, **kwargs))

    def _watched(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        thread = threading.get_ident()
        self.running[thread] = _Running(getattr(function, "__name__", "work").strip("_"))
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            # Looked at here, because nobody waits any more for the work of a request that was given up.
            self.memory_ran_out |= memory_ran_out(error)
            raise
        finally:
            del self.running[thread]


class Workers:
    """A fixed number of threads that take work in the order in which it comes.

    Attributes:
        count: how many there are.
        executor: the threads, for callers that do not wait on an event loop.
    """

    def __init__(self, count: int, name: str = "worker") -> None:
        """Starts the threads, 1 or more, whose names begin with `name`."""
        self.count = count
        self.executor = _WatchedExecutor(count, name)
        self._name = name
        self._closed = False
        self._threads: list[threading.Thread] = []
        self.run_on_each(lambda: self._threads.append(threading.current_thread()))

    def problem(self) -> str | None:
        """What keeps the threads from working, as a sentence for the log; None while all is well. Takes microseconds.

        An executor does not replace a thread that died.
        """
        if self._closed:
            return f"the {self._name} threads are closed"
        if self.executor.memory_ran_out:
            return f"memory ran out in one of the {self._name} threads"
        dead = sum(not thread.is_alive() for thread in self._threads)
        return f"{dead} of {self.count} {self._name} threads died" if dead else None

    def running(self) -> dict[object, str]:
        """What the threads are in the middle of at this moment: the name of each piece of work, by what it is itself.

        Asked again, the same piece of work is the same key, however long it takes.
        """
        return {work: work.name for work in list(self.executor.running.values())}

    async def run(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        """What the function returns or raises.

        If the caller is cancelled, a function that no thread has begun is dropped. One that a thread has begun is
        waited for: once the caller is gone, nothing works for it any more.
        """
        step = _Step(getattr(function, "__name__", "step"), functools.partial(function, *args, **kwargs))
        work = self.executor.submit(step)
        outcome = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            if work.cancel():
                step.give_up()
            else:
                await _until_done([outcome])
                # Nobody wants to know how it ended, but asyncio logs an exception that nobody asks for.
                if not outcome.cancelled():
                    outcome.exception()
            raise

    def run_on_each(self, function: Callable[[], object]) -> None:
        """Runs the function once on every thread and waits for all; for what each thread needs of its own.

        Raises:
            whatever the function raised first.
        """
        # No thread can take a second turn while it waits for the others to take their first.
        everyone = threading.Barrier(self.count)

        def work() -> None:
            try:
                function()
            finally:
                everyone.wait()

        for future in [self.executor.submit(work) for _ in range(self.count)]:
            future.result()

    def close(self) -> None:
        """Waits for what is being worked on."""
        self._closed = True
        self.executor.shutdown(wait=True)


Room: TypeAlias = "AbstractAsyncContextManager[Any]"
"""Is entered again and again, and lets only a few in at once, as `asyncio.Semaphore` does."""


async def a_few_at_once(
    room: Room, function: Callable[[_Item], Coroutine[Any, Any, _Result]], items: Iterable[_Item]
) -> list[_Result]:
    """What the function returns for each item, in their order; those are being worked on for which there is room.

    Whoever else asks meanwhile waits for these few at most, however many items there are. If the function raises for
    one of them, or the caller is cancelled, the others are given up and waited for.

    Raises:
        whatever the function raised first.
    """

    async def in_turn(item: _Item) -> _Result:
        async with room:
            return await function(item)

    tasks = [asyncio.ensure_future(in_turn(item)) for item in items]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await _until_done(tasks)


async def _until_done(futures: Iterable[asyncio.Future[_Result]]) -> None:
    """Returns when all of them are done, also if the caller is cancelled meanwhile; how they ended is not looked at."""
    waiting = {future for future in futures if not future.done()}
    while waiting:
        with contextlib.suppress(asyncio.CancelledError):
            _, waiting = await asyncio.wait(waiting)
