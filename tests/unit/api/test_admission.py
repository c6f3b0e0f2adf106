"""Requests are counted and limited, take turns, keep to their time, and are waited for when the process stops."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any

import pytest

from src.api.admission import Admission, Lifecycle, Phase, RoomBesideOthers, WaitingLine, within
from src.config.settings import load_settings
from src.core import stage_times
from src.core.errors import Busy, Draining, NotAPicture, Starting, TimedOut
from src.core.stage_times import Stage, StageTimes
from src.services.workers import Workers

LONG = 30.0
SHORT = 0.02


def finish(scene: Coroutine[Any, Any, None]) -> None:
    """Plays the scene; one in which somebody waits forever fails."""
    asyncio.run(asyncio.wait_for(scene, LONG))


async def until_everyone_waits() -> None:
    """Lets every other task go on until it waits for something that is not there."""
    for _ in range(5):
        await asyncio.sleep(0)


async def entered(room: AbstractAsyncContextManager[Any]) -> None:
    async with room:
        pass


class TestLifecycle:
    @pytest.fixture
    def lifecycle(self) -> Lifecycle:
        """Ready, with room for two requests of 100 bytes together."""
        lifecycle = Lifecycle(2, 100)
        lifecycle.ready()
        return lifecycle

    def test_it_starts_then_is_ready_then_drains(self) -> None:
        lifecycle = Lifecycle(2, 100)
        phases = [lifecycle.phase]
        for step in (lifecycle.ready, lifecycle.drain):
            step()
            phases.append(lifecycle.phase)
        assert phases == [Phase.STARTING, Phase.READY, Phase.DRAINING]

    def test_a_process_told_to_stop_while_it_starts_does_not_become_ready(self) -> None:
        lifecycle = Lifecycle(2, 100)
        lifecycle.drain()
        lifecycle.ready()
        assert lifecycle.phase is Phase.DRAINING

    def test_there_is_no_work_before_it_is_ready_and_none_while_it_drains(self, lifecycle: Lifecycle) -> None:
        with pytest.raises(Starting), Lifecycle(2, 100).work(1):
            pass
        lifecycle.drain()
        with pytest.raises(Draining), lifecycle.work(1):
            pass

    def test_what_is_in_flight_is_counted(self, lifecycle: Lifecycle) -> None:
        with lifecycle.work(1):
            with lifecycle.work(1):
                assert lifecycle.in_flight == 2
            assert lifecycle.in_flight == 1
        assert lifecycle.in_flight == 0

    def test_one_more_than_the_limit_is_refused_and_not_counted(self, lifecycle: Lifecycle) -> None:
        with lifecycle.work(1), lifecycle.work(1):
            with pytest.raises(Busy), lifecycle.work(1):
                pass
            assert lifecycle.in_flight == 2
        with lifecycle.work(1):
            assert lifecycle.in_flight == 1

    def test_a_body_more_than_the_memory_allows_is_refused_and_takes_none(self, lifecycle: Lifecycle) -> None:
        with lifecycle.work(60):
            with pytest.raises(Busy), lifecycle.work(41):
                pass
            with lifecycle.work(40):
                # What is refused for want of room takes no memory either.
                with pytest.raises(Busy), lifecycle.work(1):
                    pass
                assert lifecycle.in_flight == 2
        with lifecycle.work(100):
            assert lifecycle.in_flight == 1

    def test_work_that_fails_is_over_too(self, lifecycle: Lifecycle) -> None:
        with pytest.raises(ZeroDivisionError), lifecycle.work(1):
            raise ZeroDivisionError
        assert lifecycle.in_flight == 0

    def test_many_threads_are_counted_rightly(self) -> None:
        lifecycle = Lifecycle(8, 100)
        lifecycle.ready()

        def work() -> None:
            for _ in range(500):
                with lifecycle.work(1):
                    pass

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lifecycle.in_flight == 0

    def test_work_in_flight_is_waited_for_and_an_idle_process_is_not(self, lifecycle: Lifecycle) -> None:
        """Whoever waits asks whether there is a hurry as long as something is in flight."""
        asked: list[int] = []
        work = lifecycle.work(1)

        def finish_the_third_time() -> bool:
            asked.append(lifecycle.in_flight)
            if len(asked) == 3:
                work.__exit__(None, None, None)
            return False

        assert lifecycle.wait_until_idle(LONG, finish_the_third_time)
        assert asked == []
        work.__enter__()
        lifecycle.drain()
        assert lifecycle.wait_until_idle(LONG, finish_the_third_time)
        assert asked == [1, 1, 1]

    def test_waiting_gives_up_when_its_time_is_over_or_in_a_hurry(self, lifecycle: Lifecycle) -> None:
        with lifecycle.work(1):
            assert not lifecycle.wait_until_idle(SHORT, lambda: False)
            assert not lifecycle.wait_until_idle(10**6, hurry=lambda: True)


class TestWaitingLine:
    """Of small requests, unless a test says otherwise: one turn of the line is for a large one."""

    def test_fifty_who_wait_have_their_turns_in_the_order_in_which_they_came(self) -> None:
        order: list[int] = []

        async def scene() -> None:
            line = WaitingLine(2)

            async def request(number: int) -> None:
                async with line.turn(StageTimes()):
                    await asyncio.sleep(0)
                    order.append(number)

            await asyncio.gather(*(request(number) for number in range(51)))

        finish(scene())
        assert order == list(range(51))

    def test_who_comes_while_others_wait_goes_to_the_back(self) -> None:
        order: list[str] = []

        async def scene() -> None:
            line = WaitingLine(2)

            async def request(name: str) -> None:
                async with line.turn(StageTimes()):
                    order.append(name)

            async with line.turn(StageTimes()):
                early = asyncio.create_task(request("early"))
                await until_everyone_waits()
            # The turn is free, and nobody has taken it yet.
            await request("late")
            await early

        finish(scene())
        assert order == ["early", "late"]

    @pytest.mark.parametrize("at_once", [1, 3, 7])
    def test_no_more_than_so_many_are_worked_on_and_no_fewer(self, at_once: int) -> None:
        seen: list[int] = []

        async def scene() -> None:
            line = WaitingLine(at_once + 1)
            working = 0

            async def request() -> None:
                nonlocal working
                async with line.turn(StageTimes()):
                    working += 1
                    await until_everyone_waits()
                    seen.append(working)
                    working -= 1

            await asyncio.gather(*(request() for _ in range(5 * at_once)))

        finish(scene())
        assert max(seen) == at_once

    def test_large_ones_are_worked_on_one_at_a_time_and_small_ones_overtake_those_that_wait(self) -> None:
        order: list[str] = []

        async def scene() -> None:
            line = WaitingLine(3)
            may_finish = asyncio.Event()

            async def request(name: str, *, large: bool) -> None:
                async with line.turn(StageTimes(), large=large):
                    order.append(name)
                    if large:
                        await may_finish.wait()

            tasks = [asyncio.create_task(request(f"large {number}", large=True)) for number in range(3)]
            await until_everyone_waits()
            assert line.waiting == 2
            await request("small", large=False)
            may_finish.set()
            await asyncio.gather(*tasks)

        finish(scene())
        assert order == ["large 0", "small", "large 1", "large 2"]

    @pytest.mark.parametrize(
        ("frames", "pixels", "large"),
        [(8, 8 * 640 * 640, False), (9, 9 * 640 * 640, True), (1, 50_000_000, False), (5, 60_000_000, True)],
    )
    def test_what_keeps_the_workers_busy_for_seconds_is_large(self, frames: int, pixels: int, large: bool) -> None:
        async def scene() -> None:
            admission = Admission(load_settings(env_file=None))
            pictures: Any = SimpleNamespace(readable=[None] * frames, pixels=pixels)
            async with admission.line.turn(StageTimes(), large=True):
                second = asyncio.create_task(entered(admission.turn(pictures, StageTimes())))
                await until_everyone_waits()
                assert second.done() is not large
            await second

        finish(scene())

    def test_a_request_that_fails_or_is_cancelled_at_work_gives_its_turn_back(self) -> None:
        async def scene() -> None:
            line = WaitingLine(2)
            for _ in range(3):
                with pytest.raises(ZeroDivisionError):
                    async with line.turn(StageTimes()):
                        raise ZeroDivisionError

            async def request() -> None:
                async with line.turn(StageTimes()):
                    await asyncio.Event().wait()

            task = asyncio.create_task(request())
            await until_everyone_waits()
            task.cancel()
            async with line.turn(StageTimes()):
                assert task.cancelled()

        finish(scene())

    def test_those_who_wait_are_counted_and_those_at_work_are_not(self) -> None:
        counted: list[int] = []

        async def scene() -> None:
            line = WaitingLine(3)
            may_finish = asyncio.Event()

            async def request() -> None:
                async with line.turn(StageTimes()):
                    await may_finish.wait()

            counted.append(line.waiting)
            tasks = [asyncio.create_task(request()) for _ in range(5)]
            await until_everyone_waits()
            counted.append(line.waiting)
            tasks[-1].cancel()
            await until_everyone_waits()
            counted.append(line.waiting)
            may_finish.set()
            await asyncio.wait(tasks)
            counted.append(line.waiting)

        finish(scene())
        assert counted == [0, 3, 2, 0]

    def test_one_that_stops_waiting_does_not_take_a_turn_with_it(self) -> None:
        async def scene() -> None:
            line = WaitingLine(2)

            async def request() -> None:
                async with line.turn(StageTimes()):
                    pass

            async with line.turn(StageTimes()):
                impatient, patient = asyncio.create_task(request()), asyncio.create_task(request())
                await until_everyone_waits()
            # It is next, and leaves just as its turn comes.
            impatient.cancel()
            await patient
            assert impatient.cancelled()
            await request()

        finish(scene())

    def test_waiting_is_measured_and_work_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = 100.0
        monkeypatch.setattr(stage_times, "time", SimpleNamespace(perf_counter=lambda: now))
        first, second = StageTimes(), StageTimes()

        async def scene() -> None:
            nonlocal now
            line = WaitingLine(2)

            async def request() -> None:
                nonlocal now
                async with line.turn(second):
                    now += 40.0

            async with line.turn(first):
                waits = asyncio.create_task(request())
                await until_everyone_waits()
                now += 2.5
            await waits

        finish(scene())
        assert first.seconds() == {Stage.QUEUE: 0.0}
        assert second.seconds() == {Stage.QUEUE: 2.5}


class TestRoomBesideOthers:
    @pytest.mark.parametrize(("frames", "others", "inside"), [(3, 0, 3), (3, 1, 2), (3, 9, 2), (1, 0, 1), (1, 9, 1)])
    def test_while_others_are_in_flight_there_is_room_for_one_frame_fewer(
        self, frames: int, others: int, inside: int
    ) -> None:
        async def scene() -> None:
            room = RoomBesideOthers(frames, lambda: others)
            for _ in range(inside):
                await room.__aenter__()
            one_more = asyncio.create_task(entered(room))
            await until_everyone_waits()
            assert not one_more.done()
            await room.__aexit__()
            await one_more

        finish(scene())

    def test_when_the_others_are_gone_all_of_the_room_is_there_again(self) -> None:
        others = 1

        async def scene() -> None:
            nonlocal others
            room, may_leave = RoomBesideOthers(3, lambda: others), asyncio.Event()
            inside = 0

            async def frame() -> None:
                nonlocal inside
                async with room:
                    inside += 1
                    await may_leave.wait()

            await room.__aenter__()
            tasks = [asyncio.create_task(frame()) for _ in range(5)]
            await until_everyone_waits()
            assert inside == 1
            others = 0
            await room.__aexit__()
            await until_everyone_waits()
            assert inside == 3
            may_leave.set()
            await asyncio.gather(*tasks)

        finish(scene())


class TestDeadline:
    """What becomes of a place and a turn past the deadline is in routes/test_upload.py."""

    @staticmethod
    async def until_cancelled(events: list[str]) -> None:
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    def test_what_comes_in_time_is_returned_or_raised(self) -> None:
        async def refuse() -> None:
            raise NotAPicture("the picture is damaged")

        assert asyncio.run(within(LONG, asyncio.sleep(0, "done"))) == "done"
        with pytest.raises(NotAPicture, match="damaged"):
            asyncio.run(within(LONG, refuse()))

    def test_late_work_is_cancelled_and_told_of(self) -> None:
        events: list[str] = []

        async def scene() -> None:
            with pytest.raises(TimedOut):
                await within(SHORT, self.until_cancelled(events))
            await asyncio.sleep(0)

        asyncio.run(scene())
        assert events == ["cancelled"]

    def test_a_caller_who_is_cancelled_takes_his_work_with_him(self) -> None:
        events: list[str] = []

        async def scene() -> None:
            caller = asyncio.create_task(within(LONG, self.until_cancelled(events)))
            await asyncio.sleep(SHORT)
            caller.cancel()
            await asyncio.wait([caller])
            assert caller.cancelled()
            await asyncio.sleep(0)

        asyncio.run(scene())
        assert events == ["cancelled"]

    def test_what_late_work_fails_of_is_not_logged_as_an_error_of_ours(self, caplog: pytest.LogCaptureFixture) -> None:
        """asyncio does so where nobody has asked for an exception; the client was told already."""
        workers = Workers(1)
        may_finish = threading.Event()

        def refuse() -> None:
            may_finish.wait(LONG)
            raise NotAPicture

        async def scene() -> None:
            with pytest.raises(TimedOut):
                await within(SHORT, workers.run(refuse))
            may_finish.set()
            await workers.run(int)
            await asyncio.sleep(SHORT)

        asyncio.run(scene())
        workers.close()
        gc.collect()
        assert caplog.records == []
