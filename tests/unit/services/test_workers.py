"""Work is done on the workers, its outcome comes back, and every thread can be reached."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lab.common.waiting import wait_until
from src.services.workers import Workers, a_few_at_once

SECONDS_BEFORE_A_TEST_GIVES_UP = 30


@pytest.fixture
def workers() -> Iterator[Workers]:
    workers = Workers(3)
    yield workers
    workers.close()


class TestRun:
    def test_what_the_function_returns_or_raises_comes_back_from_a_worker(self, workers: Workers) -> None:
        assert asyncio.run(workers.run(sorted, [1, 3, 2], reverse=True)) == [3, 2, 1]
        with pytest.raises(ZeroDivisionError):
            asyncio.run(workers.run(divmod, 17, 0))
        assert workers.problem() is None
        assert asyncio.run(workers.run(threading.get_ident)) != threading.get_ident()

    def test_the_event_loop_is_free_meanwhile(self, workers: Workers) -> None:
        may_finish = threading.Event()

        async def scene() -> bool:
            working = asyncio.create_task(workers.run(may_finish.wait, SECONDS_BEFORE_A_TEST_GIVES_UP))
            await asyncio.sleep(0)
            may_finish.set()
            return await working

        assert asyncio.run(scene()) is True

    def test_as_many_run_side_by_side_as_there_are_workers(self, workers: Workers) -> None:
        everyone = threading.Barrier(3, timeout=SECONDS_BEFORE_A_TEST_GIVES_UP)

        async def scene() -> list[int]:
            return await asyncio.gather(*(workers.run(everyone.wait) for _ in range(3)))

        assert sorted(asyncio.run(scene())) == [0, 1, 2]


class Held:
    """Work that stops in the middle until it may go on; remembers who began it and who ended it."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.may_go_on = threading.Event()

    def work(self, name: object) -> object:
        self.begun.append(name)
        assert self.may_go_on.wait(SECONDS_BEFORE_A_TEST_GIVES_UP)
        self.ended.append(name)
        return name

    async def until_begun(self, count: int) -> None:
        await asyncio.to_thread(wait_until, lambda: len(self.begun) >= count, f"{count} pieces of work to begin")

    async def keep_busy(self, workers: Workers) -> Sequence[asyncio.Task[object]]:
        """Gives every worker something to do."""
        busy = [asyncio.create_task(workers.run(self.work, name)) for name in range(workers.count)]
        await self.until_begun(workers.count)
        return busy

    async def let_go(self, busy: Sequence[asyncio.Task[object]]) -> None:
        self.may_go_on.set()
        await asyncio.gather(*busy)


class TestCancelling:
    def test_what_no_thread_has_begun_is_dropped(self, workers: Workers) -> None:
        held = Held()

        async def scene() -> None:
            busy = await held.keep_busy(workers)
            late = asyncio.create_task(workers.run(held.work, "late"))
            await asyncio.sleep(0)
            late.cancel()
            await asyncio.wait([late])
            assert late.cancelled()
            assert held.ended == []
            await held.let_go(busy)

        asyncio.run(scene())
        assert set(held.begun) == {0, 1, 2}

    def test_what_is_dropped_takes_no_memory_any_more(self, workers: Workers) -> None:
        """Otherwise the pictures of given-up requests would pile up behind a slow one."""
        held = Held()

        class Picture:
            pass

        async def scene() -> None:
            busy = await held.keep_busy(workers)
            picture = Picture()
            watched = weakref.ref(picture)
            late = asyncio.create_task(workers.run(held.work, picture))
            del picture
            await asyncio.sleep(0)
            late.cancel()
            await asyncio.wait([late])
            del late
            gc.collect()
            assert watched() is None
            await held.let_go(busy)

        asyncio.run(scene())

    @pytest.mark.parametrize("times", [1, 3])
    def test_what_a_thread_has_begun_is_waited_for_however_often_it_is_cancelled(
        self, workers: Workers, times: int
    ) -> None:
        held = Held()

        async def scene() -> None:
            task = asyncio.create_task(workers.run(held.work, "begun"))
            await held.until_begun(1)
            for _ in range(times):
                task.cancel()
                await asyncio.sleep(0.01)
                assert not task.done()
            held.may_go_on.set()
            await asyncio.wait([task])
            assert task.cancelled()

        asyncio.run(scene())
        assert held.ended == ["begun"]

    def test_workers_go_on_afterwards(self, workers: Workers) -> None:
        async def scene() -> tuple[int, int]:
            for _ in range(20):
                task = asyncio.create_task(workers.run(time.sleep, 0.001))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
            return await workers.run(divmod, 17, 5)

        assert asyncio.run(scene()) == (3, 2)


class TestAFewAtOnce:
    def test_results_come_in_the_order_of_the_items(self, workers: Workers) -> None:
        async def divided(number: int) -> tuple[int, int]:
            return await workers.run(divmod, number, 7)

        for items in (range(50), range(0)):
            assert asyncio.run(a_few_at_once(asyncio.Semaphore(2), divided, items)) == [
                divmod(number, 7) for number in items
            ]

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_no_more_than_so_many_are_worked_on_and_no_fewer(self, count: int) -> None:
        seen: list[int] = []
        working = 0

        async def work(_item: int) -> None:
            nonlocal working
            working += 1
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append(working)
            working -= 1

        asyncio.run(a_few_at_once(asyncio.Semaphore(count), work, range(20)))
        assert max(seen) == count

    def test_who_asks_meanwhile_does_not_wait_for_all_of_them(self, workers: Workers) -> None:
        done: list[object] = []

        async def scene() -> None:
            many = asyncio.create_task(
                a_few_at_once(asyncio.Semaphore(workers.count), lambda item: workers.run(done.append, item), range(200))
            )
            await asyncio.sleep(0)
            await workers.run(done.append, "somebody else")
            await many

        asyncio.run(scene())
        assert done.index("somebody else") < 20

    def test_if_one_raises_the_others_are_not_begun(self, workers: Workers) -> None:
        begun: list[int] = []

        async def work(number: int) -> None:
            begun.append(number)
            await workers.run(divmod, 1, number)

        with pytest.raises(ZeroDivisionError):
            asyncio.run(a_few_at_once(asyncio.Semaphore(2), work, range(500)))
        assert begun[0] == 0
        assert len(begun) < 250

    def test_if_one_raises_those_that_have_begun_are_waited_for(self, workers: Workers) -> None:
        held = Held()

        def work(name: int) -> None:
            if name == 0:
                # Not before the others have begun: they would be dropped.
                wait_until(lambda: len(held.begun) == 2, "the two others to begin")
                raise ZeroDivisionError
            held.work(name)

        async def scene() -> None:
            task = asyncio.create_task(
                a_few_at_once(asyncio.Semaphore(3), lambda item: workers.run(work, item), range(3))
            )
            await held.until_begun(2)
            await asyncio.sleep(0.02)
            assert not task.done()
            held.may_go_on.set()
            with pytest.raises(ZeroDivisionError):
                await task

        asyncio.run(scene())
        assert sorted(held.ended) == [1, 2]

    def test_if_the_caller_is_cancelled_no_thread_works_for_it_any_more(self, workers: Workers) -> None:
        held = Held()

        async def scene() -> None:
            task = asyncio.create_task(
                a_few_at_once(asyncio.Semaphore(3), lambda item: workers.run(held.work, item), range(20))
            )
            await held.until_begun(3)
            task.cancel()
            await asyncio.sleep(0.02)
            assert not task.done()
            held.may_go_on.set()
            await asyncio.wait([task])
            assert task.cancelled()

        asyncio.run(scene())
        assert sorted(held.begun) == sorted(held.ended) == [0, 1, 2]


class TestRunOnEach:
    @pytest.mark.parametrize("count", [1, 3])
    def test_every_thread_on_which_work_is_done_is_reached_once_each_time(self, count: int) -> None:
        workers = Workers(count)
        seen: list[int] = []
        for times in (1, 2, 3):
            workers.run_on_each(lambda: seen.append(threading.get_ident()))
            assert len(seen) == times * count
            assert len(set(seen)) == count
            assert asyncio.run(workers.run(threading.get_ident)) in seen
        workers.close()

    @pytest.mark.parametrize("culprits", [{0}, {1}, {2}, {0, 1, 2}])
    def test_what_one_or_all_raise_is_raised_and_the_others_still_have_their_turn(
        self, workers: Workers, culprits: set[int]
    ) -> None:
        lock = threading.Lock()
        seen: list[int] = []

        def work() -> None:
            with lock:
                place = len(seen)
                seen.append(threading.get_ident())
            if place in culprits:
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            workers.run_on_each(work)
        assert len(set(seen)) == 3
        workers.run_on_each(lambda: None)


class TestProblem:
    def test_busy_threads_have_none_and_hold_up_nobody_who_asks(self, workers: Workers) -> None:
        held = Held()

        async def scene() -> None:
            busy = await held.keep_busy(workers)
            assert workers.problem() is None
            await held.let_go(busy)

        asyncio.run(scene())

    def test_dead_threads_are_counted(self, workers: Workers) -> None:
        for dead in (1, 2):
            kill_one(workers)
            until_problem(workers, f"{dead} of 3 worker threads died")
        assert asyncio.run(workers.run(divmod, 17, 5)) == (3, 2)

    def test_the_threads_are_called_by_their_name(self) -> None:
        workers = Workers(1, "painter")
        assert asyncio.run(workers.run(lambda: threading.current_thread().name)).startswith("painter")
        workers.close()
        assert workers.problem() == "the painter threads are closed"


def until_problem(workers: Workers, sentence: str) -> None:
    wait_until(lambda: workers.problem() == sentence, sentence)


def kill_one(workers: Workers) -> None:
    """An executor's thread survives whatever its work raises, but not what a callback raises beyond `Exception`."""
    may_end = threading.Event()
    work = workers.executor.submit(may_end.wait, SECONDS_BEFORE_A_TEST_GIVES_UP)
    work.add_done_callback(lambda _work: sys.exit())
    may_end.set()


class TestRunning:
    def test_a_piece_of_work_is_named_for_as_long_as_it_takes_and_is_always_the_same(self, workers: Workers) -> None:
        held = Held()

        async def scene() -> None:
            working = asyncio.create_task(workers.run(held.work, "private"))
            await held.until_begun(1)
            first, again = workers.running(), workers.running()
            assert list(first.values()) == ["work"]
            assert first.keys() == again.keys()
            held.may_go_on.set()
            await working
            await asyncio.to_thread(wait_until, lambda: not workers.running(), "the work to be forgotten")

        asyncio.run(scene())

    def test_two_pieces_of_the_same_work_are_two(self, workers: Workers) -> None:
        held = Held()

        async def scene() -> None:
            busy = await held.keep_busy(workers)
            assert len(workers.running()) == workers.count
            await held.let_go(busy)

        asyncio.run(scene())

    @pytest.mark.parametrize("error", [MemoryError(), ValueError()])
    def test_memory_that_ran_out_is_a_problem_and_other_errors_are_none(
        self, workers: Workers, error: Exception
    ) -> None:
        def fail() -> None:
            raise error

        assert workers.executor.submit(fail).exception(SECONDS_BEFORE_A_TEST_GIVES_UP) is error
        assert (workers.problem() is not None) == isinstance(error, MemoryError)


class TestClose:
    def test_it_waits_for_what_is_being_worked_on_and_leaves_no_thread_behind(self) -> None:
        before, held = set(threading.enumerate()), Held()
        workers = Workers(2)
        assert len(set(threading.enumerate()) - before) == 2
        workers.executor.submit(held.work, "begun")
        wait_until(lambda: len(held.begun) == 1, "the work to begin")
        closing = threading.Thread(target=workers.close)
        closing.start()
        wait_until(lambda: workers.problem() is not None, "the workers to be closing")
        assert closing.is_alive()
        held.may_go_on.set()
        closing.join()
        assert held.ended == ["begun"]
        assert set(threading.enumerate()) <= before
