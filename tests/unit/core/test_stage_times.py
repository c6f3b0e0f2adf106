"""Seconds per stage add up, whoever measures them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from src.core import stage_times
from src.core.errors import NotAPicture
from src.core.stage_times import Stage, StageTimes


def test_a_stage_takes_what_its_block_takes_also_if_it_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([10.0, 12.5])
    monkeypatch.setattr(stage_times, "time", SimpleNamespace(perf_counter=lambda: next(looks)))
    times = StageTimes()
    assert times.seconds() == {}
    with pytest.raises(NotAPicture), times.measure(Stage.DECODE):
        raise NotAPicture("not a picture")
    assert times.seconds() == {Stage.DECODE: 2.5}


def test_what_is_done_several_times_is_added_up_and_stages_come_in_the_order_of_the_work() -> None:
    times = StageTimes()
    for stage in reversed(Stage):
        times.add(stage, 1.0)
    read = times.seconds()
    times.add(Stage.DETECT, 2.0)
    times.add(Stage.DETECT, 4.0)
    assert times.seconds() == dict.fromkeys(Stage, 1.0) | {Stage.DETECT: 7.0}
    assert list(times.seconds()) == list(Stage)
    # What was read does not change any more.
    assert read == dict.fromkeys(Stage, 1.0)


def test_no_addition_of_many_threads_is_lost() -> None:
    times = StageTimes()

    def add_many(_worker: int) -> None:
        for _ in range(2000):
            times.add(Stage.DECODE, 1.0)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(add_many, range(8)))
    assert times.seconds() == {Stage.DECODE: 16_000.0}
