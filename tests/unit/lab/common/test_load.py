"""The load generators against a server that answers as it is told."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from lab.common.load import BusySender, Job, SteadyJob, SteadyLoad, SteadyOutcome, run_apart
from lab.common.waiting import wait_until
from tests.scripted_backend import Received, Reply, Script, ScriptedBackend, fine

Requests = list[tuple[str, str]]


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    """Two of them, with other bodies."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    return [("/upload", str(tmp_path / name)) for name in ("one", "two")]


def first(reply: Reply) -> Script:
    """This to the first request, and 200 to all others."""
    numbers = itertools.count()
    return lambda _request: Reply() if next(numbers) else reply


def slow(_request: Received) -> Reply:
    time.sleep(0.3)
    return Reply()


def steady_outcome_of(job: SteadyJob, server: ScriptedBackend, count: int) -> SteadyOutcome:
    """After so many requests have come, or a few more."""
    with SteadyLoad(job) as load:
        wait_until(lambda: len(server.received) >= count, f"{count} requests")
    return load.outcome


def test_it_sends_as_many_requests_as_it_is_told_in_turn_and_takes_the_medians_of_the_stages(
    requests: Requests,
) -> None:
    numbers = itertools.count()

    def answer(_request: Received) -> Reply:
        return Reply(headers={"Server-Timing": f"infer;dur={next(numbers)}, parse;dur=1"})

    with ScriptedBackend(answer) as server:
        outcome = BusySender(Job(server.port, requests, 1, count=5)).run()
    assert [request.body for request in server.received] == [b"one", b"two", b"one", b"two", b"one"]
    assert len(outcome.latencies_ms) == 5
    assert outcome.errors == {}
    assert outcome.elapsed_s > 0
    assert outcome.stages_ms == {"infer": 2, "parse": 1}


def test_so_many_are_on_their_way_at_once(requests: Requests) -> None:
    def until_all_are_there(_request: Received) -> Reply:
        wait_until(lambda: len(server.received) == 6, "six requests at once")
        return Reply()

    with ScriptedBackend(until_all_are_there) as server:
        assert len(BusySender(Job(server.port, requests, 6, count=6)).run().latencies_ms) == 6


def test_after_the_time_nothing_new_is_sent_and_what_is_on_its_way_counts(requests: Requests) -> None:
    with ScriptedBackend(slow) as server:
        outcome = BusySender(Job(server.port, requests, 2, seconds=0.1)).run()
    assert len(outcome.latencies_ms) == len(server.received) == 2
    assert outcome.elapsed_s >= 0.3


def test_a_refused_request_is_sent_again_after_its_time_and_counts_from_its_first_sending(requests: Requests) -> None:
    with ScriptedBackend(first(Reply(503, headers={"Retry-After": "1"}))) as server:
        outcome = BusySender(Job(server.port, requests[:1], 1, count=1)).run()
    assert (outcome.refused, outcome.errors) == (1, {})
    (latency,) = outcome.latencies_ms
    assert latency >= 1000


def test_who_would_wait_beyond_the_end_goes_home(requests: Requests) -> None:
    with ScriptedBackend(lambda _request: Reply(503, headers={"Retry-After": "60"})) as server:
        outcome = BusySender(Job(server.port, requests, 3, seconds=20)).run()
    assert (outcome.refused, outcome.given_up, outcome.errors, outcome.latencies_ms) == (3, 3, {}, [])


@pytest.mark.parametrize(
    ("reply", "kind"), [(Reply(500), "500"), (Reply(503), "503"), (Reply(503, headers={"Retry-After": "soon"}), "503")]
)
def test_any_other_answer_is_an_error_and_so_is_503_without_a_time(requests: Requests, reply: Reply, kind: str) -> None:
    with ScriptedBackend(lambda _request: reply) as server:
        outcome = BusySender(Job(server.port, requests, 1, count=2)).run()
    assert (outcome.errors, outcome.latencies_ms) == ({kind: 2}, [])


def test_a_server_that_is_not_there_is_an_error(requests: Requests) -> None:
    with ScriptedBackend(fine) as server:
        port = server.port
    assert BusySender(Job(port, requests, 1, count=1)).run().errors == {"ConnectionRefusedError": 1}
    with SteadyLoad(SteadyJob(port, [("/health", "")], rate=20)) as load:
        time.sleep(0.2)
    assert load.outcome.answered == []
    assert load.outcome.sent == len(load.outcome.failed)


def test_a_process_of_its_own_gives_the_same_figures(requests: Requests) -> None:
    with ScriptedBackend(fine) as server:
        outcome = run_apart(Job(server.port, requests, 2, count=4))
        timed = run_apart(Job(server.port, requests, 1, seconds=0.2))
    assert len(outcome.latencies_ms) == 4
    assert len(timed.latencies_ms) >= 1
    assert len(server.received) == 4 + len(timed.latencies_ms)


def test_a_steady_load_keeps_its_rate_and_sends_nothing_twice(requests: Requests) -> None:
    with ScriptedBackend(first(Reply(503))) as server:
        outcome = steady_outcome_of(SteadyJob(server.port, [*requests, ("/health", "")], rate=20), server, 5)
    assert outcome.sent == len(server.received)
    assert {(request.method, request.path) for request in server.received} == {("POST", "/upload"), ("GET", "/health")}
    ((failed_at, path, problem),) = outcome.failed
    assert (path, problem) == ("/upload", "503 b'{}'")
    due = sorted([failed_at, *(at for at, _latency in outcome.answered)])
    assert due == [number / 20 for number in range(outcome.sent)]


def test_a_steady_request_counts_from_when_it_was_due(requests: Requests) -> None:
    with ScriptedBackend(slow) as server:
        outcome = steady_outcome_of(SteadyJob(server.port, requests, rate=10, connections=1), server, 2)
    assert outcome.latencies_ms[0] >= 300
    assert outcome.latencies_ms[1] >= 500
