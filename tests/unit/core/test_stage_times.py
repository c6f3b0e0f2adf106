"""Seconds per stage add up, whoever measures them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from src.core import stage_times
from src.core.errors import NotAPicture
from src.core.stage_times import Stage, StageTimes


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what the clock will show, one value per look at it."""

    def shows(*seconds: float) -> None:
        looks = iter(seconds)
        monkeypatch.setattr(stage_times, "time", SimpleNamespace(perf_counter=lambda: next(looks)))

    return shows


def test_at_first_no_stage_was_reached() -> None:
    assert StageTimes().seconds() == {}


def test_a_stage_takes_what_its_block_takes(clock: Callable[..., None]) -> None:
    clock(10.0, 12.5)
    times = StageTimes()
    with times.measure(Stage.DECODE):
        assert times.seconds() == {}
    assert times.seconds() == {Stage.DECODE: 2.5}


def test_a_block_that_raises_is_measured_too(clock: Callable[..., None]) -> None:
    clock(10.0, 12.5)
    times = StageTimes()
    with pytest.raises(NotAPicture), times.measure(Stage.DECODE):
        raise NotAPicture("not a picture")
    assert times.seconds() == {Stage.DECODE: 2.5}


def test_what_is_done_several_times_is_added_up() -> None:
    times = StageTimes()
    for seconds in (1.0, 2.0, 4.0):
        times.add(Stage.DETECT, seconds)
    assert times.seconds() == {Stage.DETECT: 7.0}


def test_stages_come_in_the_order_of_the_work_not_of_their_measuring() -> None:
    times = StageTimes()
    for stage in reversed(Stage):
        times.add(stage, 1.0)
    assert list(times.seconds()) == list(Stage)


def test_what_was_read_does_not_change_any_more() -> None:
    times = StageTimes()
    times.add(Stage.INFER, 1.0)
    read = times.seconds()
    times.add(Stage.INFER, 1.0)
    assert read == {Stage.INFER: 1.0}


def test_no_addition_of_many_threads_is_lost() -> None:
    times = StageTimes()

    def add_many(_worker: int) -> None:
        for _ in range(2000):
            times.add(Stage.DECODE, 1.0)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(add_many, range(8)))
    assert times.seconds() == {Stage.DECODE: 16_000.0}
