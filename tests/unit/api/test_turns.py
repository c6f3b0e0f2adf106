"""Whoever comes first is worked on first, a few at once, and the others are counted."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from src.api.turns import Turns
from src.core import stage_times
from src.core.stage_times import Stage, StageTimes

SECONDS_BEFORE_A_TEST_GIVES_UP = 30


def finish(scene: Coroutine[Any, Any, None]) -> None:
    """Plays the scene; one in which somebody waits forever fails."""
    asyncio.run(asyncio.wait_for(scene, SECONDS_BEFORE_A_TEST_GIVES_UP))


async def until_everyone_waits() -> None:
    """Lets every other task go on until it waits for something that is not there."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_fifty_who_wait_have_their_turns_in_the_order_in_which_they_came() -> None:
    order: list[int] = []

    async def scene() -> None:
        turns = Turns(1)

        async def request(number: int) -> None:
            async with turns.turn(StageTimes()):
                await asyncio.sleep(0)
                order.append(number)

        await asyncio.gather(*(request(number) for number in range(51)))

    finish(scene())
    assert order == list(range(51))


def test_who_comes_while_others_wait_goes_to_the_back() -> None:
    order: list[str] = []

    async def scene() -> None:
        turns = Turns(1)

        async def request(name: str) -> None:
            async with turns.turn(StageTimes()):
                order.append(name)

        async with turns.turn(StageTimes()):
            early = asyncio.create_task(request("early"))
            await until_everyone_waits()
        # The turn is free, and nobody has taken it yet.
        await request("late")
        await early

    finish(scene())
    assert order == ["early", "late"]


@pytest.mark.parametrize("at_once", [1, 3, 7])
def test_no_more_than_so_many_are_worked_on_and_no_fewer(at_once: int) -> None:
    seen: list[int] = []

    async def scene() -> None:
        turns = Turns(at_once)
        working = 0

        async def request() -> None:
            nonlocal working
            async with turns.turn(StageTimes()):
                working += 1
                await until_everyone_waits()
                seen.append(working)
                working -= 1

        await asyncio.gather(*(request() for _ in range(5 * at_once)))

    finish(scene())
    assert max(seen) == at_once


def test_a_request_that_fails_gives_its_turn_back() -> None:
    async def scene() -> None:
        turns = Turns(1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with turns.turn(StageTimes()):
                    raise ZeroDivisionError
        async with turns.turn(StageTimes()):
            pass

    finish(scene())


def test_a_request_that_is_cancelled_at_work_gives_its_turn_back() -> None:
    async def scene() -> None:
        turns = Turns(1)

        async def request() -> None:
            async with turns.turn(StageTimes()):
                await asyncio.Event().wait()

        task = asyncio.create_task(request())
        await until_everyone_waits()
        task.cancel()
        async with turns.turn(StageTimes()):
            assert task.cancelled()

    finish(scene())


def test_those_who_wait_are_counted_and_those_at_work_are_not() -> None:
    counted: list[int] = []

    async def scene() -> None:
        turns = Turns(2)
        may_finish = asyncio.Event()

        async def request() -> None:
            async with turns.turn(StageTimes()):
                await may_finish.wait()

        counted.append(turns.waiting)
        tasks = [asyncio.create_task(request()) for _ in range(5)]
        await until_everyone_waits()
        counted.append(turns.waiting)
        tasks[-1].cancel()
        await until_everyone_waits()
        counted.append(turns.waiting)
        may_finish.set()
        await asyncio.wait(tasks)
        counted.append(turns.waiting)

    finish(scene())
    assert counted == [0, 3, 2, 0]


def test_one_that_stops_waiting_does_not_take_a_turn_with_it() -> None:
    async def scene() -> None:
        turns = Turns(1)

        async def request() -> None:
            async with turns.turn(StageTimes()):
                pass

        async with turns.turn(StageTimes()):
            impatient, patient = asyncio.create_task(request()), asyncio.create_task(request())
            await until_everyone_waits()
        # It is next, and leaves just as its turn comes.
        impatient.cancel()
        await patient
        assert impatient.cancelled()
        await request()

    finish(scene())


def test_waiting_is_measured_and_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(stage_times, "time", SimpleNamespace(perf_counter=lambda: now))
    first, second = StageTimes(), StageTimes()

    async def scene() -> None:
        nonlocal now
        turns = Turns(1)

        async def request() -> None:
            nonlocal now
            async with turns.turn(second):
                now += 40.0

        async with turns.turn(first):
            waits = asyncio.create_task(request())
            await until_everyone_waits()
            now += 2.5
        await waits

    finish(scene())
    assert first.seconds() == {Stage.QUEUE: 0.0}
    assert second.seconds() == {Stage.QUEUE: 2.5}
