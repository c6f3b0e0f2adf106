"""Where the time went, as browsers read it."""

from __future__ import annotations

from src.api.server_timing import server_timing_headers
from src.core.stage_times import Stage


def test_stages_come_in_milliseconds_and_the_whole_comes_last() -> None:
    headers = server_timing_headers({Stage.QUEUE: 0.0001, Stage.DECODE: 0.00494, Stage.INFER: 1.5}, 1.6)
    assert headers == {"Server-Timing": "queue;dur=0.1, decode;dur=4.9, infer;dur=1500.0, total;dur=1600.0"}


def test_a_stage_of_no_time_was_reached_all_the_same() -> None:
    assert server_timing_headers({Stage.QUEUE: 0.0}, 0.001) == {"Server-Timing": "queue;dur=0.0, total;dur=1.0"}


def test_without_stages_there_is_no_header() -> None:
    assert server_timing_headers({}, 0.5) == {}
