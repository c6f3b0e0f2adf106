"""Requests are counted, limited, and waited for when the process stops."""

from __future__ import annotations

import threading
import time

import pytest

from src.api.lifecycle import Lifecycle, State
from src.core.errors import Busy, Draining, Starting


def never() -> bool:
    return False


@pytest.fixture
def lifecycle() -> Lifecycle:
    """Ready, with room for two."""
    lifecycle = Lifecycle(2, 100)
    lifecycle.ready()
    return lifecycle


def test_it_starts_then_is_ready_then_drains() -> None:
    lifecycle = Lifecycle(2, 100)
    states = [lifecycle.state]
    lifecycle.ready()
    states.append(lifecycle.state)
    lifecycle.drain()
    states.append(lifecycle.state)
    assert states == [State.STARTING, State.READY, State.DRAINING]


def test_the_states_are_what_health_says() -> None:
    assert [state.value for state in State] == ["Starting", "Healthy", "Draining"]


def test_a_process_told_to_stop_while_it_starts_does_not_become_ready() -> None:
    lifecycle = Lifecycle(2, 100)
    lifecycle.drain()
    lifecycle.ready()
    assert lifecycle.state is State.DRAINING


def test_there_is_no_work_before_it_is_ready() -> None:
    with pytest.raises(Starting), Lifecycle(2, 100).work(1):
        pass


def test_there_is_no_new_work_while_it_drains(lifecycle: Lifecycle) -> None:
    lifecycle.drain()
    with pytest.raises(Draining), lifecycle.work(1):
        pass


def test_what_is_in_flight_is_counted(lifecycle: Lifecycle) -> None:
    with lifecycle.work(1):
        with lifecycle.work(1):
            assert lifecycle.in_flight == 2
        assert lifecycle.in_flight == 1
    assert lifecycle.in_flight == 0


def test_one_more_than_the_limit_is_refused_and_not_counted(lifecycle: Lifecycle) -> None:
    with lifecycle.work(1), lifecycle.work(1):
        with pytest.raises(Busy), lifecycle.work(1):
            pass
        assert lifecycle.in_flight == 2
    with lifecycle.work(1):
        assert lifecycle.in_flight == 1


def test_a_body_more_than_the_memory_allows_is_refused_and_not_counted() -> None:
    lifecycle = Lifecycle(10, 100)
    lifecycle.ready()
    with lifecycle.work(60):
        with pytest.raises(Busy), lifecycle.work(41):
            pass
        assert (lifecycle.in_flight, lifecycle.bytes_in_flight) == (1, 60)
        with lifecycle.work(40):
            assert lifecycle.bytes_in_flight == 100
    assert lifecycle.bytes_in_flight == 0


def test_what_is_refused_for_another_reason_takes_no_memory(lifecycle: Lifecycle) -> None:
    with lifecycle.work(1), lifecycle.work(2):
        with pytest.raises(Busy), lifecycle.work(3):
            pass
        assert lifecycle.bytes_in_flight == 3
    lifecycle.drain()
    with pytest.raises(Draining), lifecycle.work(3):
        pass
    assert lifecycle.bytes_in_flight == 0


def test_work_that_fails_is_over_too(lifecycle: Lifecycle) -> None:
    with pytest.raises(ZeroDivisionError), lifecycle.work(1):
        raise ZeroDivisionError
    assert lifecycle.in_flight == 0


def test_many_threads_are_counted_rightly() -> None:
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


def test_an_idle_process_need_not_wait(lifecycle: Lifecycle) -> None:
    started = time.monotonic()
    assert lifecycle.wait_until_idle(10, never)
    assert time.monotonic() - started < 1


def test_work_in_flight_is_waited_for_while_draining(lifecycle: Lifecycle) -> None:
    is_working, may_finish = threading.Event(), threading.Event()

    def work() -> None:
        with lifecycle.work(1):
            is_working.set()
            may_finish.wait(10)

    worker = threading.Thread(target=work)
    worker.start()
    assert is_working.wait(10)
    lifecycle.drain()
    threading.Timer(0.2, may_finish.set).start()
    started = time.monotonic()
    assert lifecycle.wait_until_idle(10, never)
    assert 0.1 < time.monotonic() - started < 5
    worker.join()


def test_waiting_gives_up_when_its_time_is_over(lifecycle: Lifecycle) -> None:
    with lifecycle.work(1):
        started = time.monotonic()
        assert not lifecycle.wait_until_idle(0.1, never)
        assert 0.1 <= time.monotonic() - started < 2


def test_waiting_gives_up_in_a_hurry(lifecycle: Lifecycle) -> None:
    with lifecycle.work(1):
        started = time.monotonic()
        assert not lifecycle.wait_until_idle(30, hurry=lambda: True)
        assert time.monotonic() - started < 2
