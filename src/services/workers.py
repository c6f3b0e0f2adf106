"""The threads on which everything of weight happens, so that the event loop is free for the next request."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, Generic, ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class _Step(Generic[_Result]):
    """One piece of work, which can be emptied: an executor keeps what was cancelled until a thread comes to it, and
    megabytes of pictures with it.
    """

    def __init__(self, function: Callable[[], _Result]) -> None:
        self._function = [function]

    def __call__(self) -> _Result:
        return self._function.pop()()

    def give_up(self) -> None:
        self._function.clear()


class Workers:
    """A fixed number of threads that take work in the order in which it comes.

    Attributes:
        count: how many there are.
        executor: the threads, for who does not wait on an event loop.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.executor = ThreadPoolExecutor(count, thread_name_prefix="worker")

    async def run(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        """What the function returns or raises.

        If the caller is cancelled, a function that no thread has taken yet is left out. One that a thread is in the
        middle of is waited for: when the caller is gone, so is what was being worked on.
        """
        step = _Step(functools.partial(function, *args, **kwargs))
        work = self.executor.submit(step)
        outcome = asyncio.wrap_future(work)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            if work.cancel():
                step.give_up()
            else:
                await _until_done([outcome])
                # Nobody is left who wants to know; unasked, asyncio would log it as an error of ours.
                if not outcome.cancelled():
                    outcome.exception()
            raise

    async def run_for_all(
        self,
        function: Callable[Concatenate[_Item, _Arguments], _Result],
        items: Iterable[_Item],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> list[_Result]:
        """What the function returns for each item, in their order; several threads may work on them.

        If it raises for one of them, or the caller is cancelled, those that no thread has taken yet are left out, and
        the others are waited for, as in `run`.

        Raises:
            whatever the function raised first.
        """
        tasks = [asyncio.ensure_future(self.run(function, item, *args, **kwargs)) for item in items]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await _until_done(tasks)

    def run_on_each(self, function: Callable[[], object]) -> None:
        """Runs the function once on every thread and waits; for what threads do not share.

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
        self.executor.shutdown(wait=True)


async def _until_done(futures: Iterable[asyncio.Future[_Result]]) -> None:
    """Waits for all of them, whoever cancels the waiting; what became of them is not told."""
    waiting = {future for future in futures if not future.done()}
    while waiting:
        with contextlib.suppress(asyncio.CancelledError):
            _, waiting = await asyncio.wait(waiting)
