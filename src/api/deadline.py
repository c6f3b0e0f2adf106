"""Work that is given up when its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from src.core.errors import TimedOut

_Result = TypeVar("_Result")


async def within(seconds: float, work: Coroutine[Any, Any, _Result]) -> _Result:
    """What the work returns or raises, if it does so in time.

    Work that is late is cancelled and not waited for: who asked is told at once, while what a thread is in the middle
    of comes to its end, and only then does the work give back its turn and its place.

    Raises:
        TimedOut: the time is over.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        # Also when the caller himself is cancelled; what is done is not changed by it.
        is_late = task.cancel()
    if is_late:
        # What becomes of it is nobody's business any more; unasked, asyncio would log it as an error of ours.
        task.add_done_callback(lambda late: late.cancelled() or late.exception())
        raise TimedOut
    return task.result()
