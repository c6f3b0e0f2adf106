"""Work that comes in time is as if nobody had looked at the clock; late work is given up, and who waits is told."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from src.api.deadline import within
from src.api.turns import Turns
from src.core.errors import NotAPicture, TimedOut
from src.core.stage_times import StageTimes
from src.services.workers import Workers

LONG = 30.0
SHORT = 0.02


async def until_cancelled(events: list[str]) -> None:
    try:
        await asyncio.sleep(LONG)
    except asyncio.CancelledError:
        events.append("cancelled")
        raise


def test_what_comes_in_time_is_returned() -> None:
    assert asyncio.run(within(LONG, asyncio.sleep(0, "done"))) == "done"


def test_what_is_raised_in_time_is_raised() -> None:
    async def refuse() -> None:
        raise NotAPicture("image: the picture is damaged")

    with pytest.raises(NotAPicture, match="damaged"):
        asyncio.run(within(LONG, refuse()))


def test_late_work_is_cancelled_and_told_of() -> None:
    events: list[str] = []

    async def scene() -> None:
        with pytest.raises(TimedOut):
            await within(SHORT, until_cancelled(events))
        await asyncio.sleep(0)

    asyncio.run(scene())
    assert events == ["cancelled"]


def test_what_late_work_fails_of_is_not_logged_as_an_error_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio does so where nobody has asked for an exception; the client was told already."""
    workers = Workers(1)
    may_finish = threading.Event()

    def refuse() -> None:
        may_finish.wait(LONG)
        raise NotAPicture("image: the picture is damaged")

    async def scene() -> None:
        with pytest.raises(TimedOut):
            await within(SHORT, workers.run_for_all(lambda _item: refuse(), [1]))
        may_finish.set()
        await workers.run(int)
        await asyncio.sleep(SHORT)

    asyncio.run(scene())
    workers.close()
    gc.collect()
    assert caplog.records == []


def test_a_caller_who_is_cancelled_takes_his_work_with_him() -> None:
    events: list[str] = []

    async def scene() -> None:
        caller = asyncio.create_task(within(LONG, until_cancelled(events)))
        await asyncio.sleep(SHORT)
        caller.cancel()
        await asyncio.wait([caller])
        assert caller.cancelled()
        await asyncio.sleep(0)

    asyncio.run(scene())
    assert events == ["cancelled"]


def test_who_waits_for_a_turn_until_it_is_too_late_leaves_the_line() -> None:
    async def scene() -> None:
        turns = Turns(1)

        async def request() -> None:
            async with turns.turn(StageTimes()):
                pass

        async with turns.turn(StageTimes()):
            with pytest.raises(TimedOut):
                await within(SHORT, request())
            await asyncio.sleep(0)
            assert turns.waiting == 0
        await within(LONG, request())

    asyncio.run(scene())


def test_the_answer_is_not_late_but_the_turn_is_kept_while_a_thread_is_at_work() -> None:
    workers = Workers(1)
    is_working, may_finish = threading.Event(), threading.Event()

    def work() -> None:
        is_working.set()
        may_finish.wait(LONG)

    async def scene() -> None:
        turns = Turns(1)

        async def request() -> None:
            async with turns.turn(StageTimes()):
                await workers.run(work)

        with pytest.raises(TimedOut):
            await within(0.2, request())
        assert is_working.is_set()
        next_one = asyncio.create_task(request())
        await asyncio.sleep(SHORT)
        assert turns.waiting == 1
        may_finish.set()
        await asyncio.wait_for(next_one, LONG)

    asyncio.run(scene())
    workers.close()
