"""The threads on which everything of weight happens, so that the event loop is free for the next request."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


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
        """What the function returns or raises."""
        call = functools.partial(function, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)

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
