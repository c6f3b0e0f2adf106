"""The load generators against a server that answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lab.common.load import BusySender, Job, Outcome, SteadyJob, SteadyLoad, run_apart

Answer = tuple[int, dict[str, str]]


class Server:
    """Answers the n-th POST with `answer(n)`; counts from 0.

    Attributes:
        bodies: of all requests.
        most_at_once: requests that were worked on at the same time.
    """

    def __init__(self, answer: Callable[[int], Answer], delay_seconds: float) -> None:
        self.bodies: list[bytes] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with outer._lock:
                    number = len(outer.bodies)
                    outer.bodies.append(body)
                    outer._at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer._at_once)
                time.sleep(delay_seconds)
                with outer._lock:
                    outer._at_once -= 1
                self.reply(*answer(number))

            def do_GET(self) -> None:
                self.reply(200, {})

            def reply(self, status: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": "2", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_arguments: object) -> None:
                """Says nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True

    @property
    def port(self) -> int:
        return int(self.http.server_address[1])


@contextmanager
def server(answer: Callable[[int], Answer] = lambda _number: (200, {}), delay_seconds: float = 0.0) -> Iterator[Server]:
    running = Server(answer, delay_seconds)
    thread = threading.Thread(target=running.http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield running
    finally:
        running.http.shutdown()
        running.http.server_close()
        thread.join()


def done(job: Job) -> Outcome:
    return BusySender(job).run()


@pytest.fixture
def bodies(tmp_path: Path) -> list[tuple[str, str]]:
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    return [("/upload", str(tmp_path / name)) for name in ("one", "two")]


def test_it_sends_as_many_requests_as_it_is_told_in_turn(bodies: list[tuple[str, str]]) -> None:
    with server() as running:
        outcome = done(Job(running.port, bodies, 1, count=5))
    assert running.bodies == [b"one", b"two", b"one", b"two", b"one"]
    assert len(outcome.latencies_ms) == 5
    assert outcome.errors == {}
    assert outcome.elapsed_s > 0


def test_so_many_are_on_their_way_at_once(bodies: list[tuple[str, str]]) -> None:
    with server(delay_seconds=0.2) as running:
        done(Job(running.port, bodies, 6, count=6))
    assert running.most_at_once == 6


def test_after_the_time_nothing_new_is_sent_and_what_is_on_its_way_counts(bodies: list[tuple[str, str]]) -> None:
    with server(delay_seconds=0.3) as running:
        outcome = done(Job(running.port, bodies, 2, seconds=0.1))
    assert len(outcome.latencies_ms) == len(running.bodies) == 2
    assert outcome.elapsed_s >= 0.3


def test_a_refused_request_is_sent_again_after_its_time_and_counts_from_its_first_sending(
    bodies: list[tuple[str, str]],
) -> None:
    with server(lambda number: (503, {"Retry-After": "1"}) if number == 0 else (200, {})) as running:
        outcome = done(Job(running.port, bodies[:1], 1, count=1))
    assert outcome.refused == 1
    assert outcome.errors == {}
    assert len(outcome.latencies_ms) == 1
    assert outcome.latencies_ms[0] >= 1000


def test_who_would_wait_beyond_the_end_goes_home(bodies: list[tuple[str, str]]) -> None:
    with server(lambda _number: (503, {"Retry-After": "60"})) as running:
        outcome = done(Job(running.port, bodies, 3, seconds=0.5))
    assert (outcome.refused, outcome.given_up) == (3, 3)
    assert outcome.latencies_ms == []
    assert outcome.errors == {}


@pytest.mark.parametrize(
    ("answer", "kind"), [((500, {}), "500"), ((503, {}), "503"), ((503, {"Retry-After": "soon"}), "503")]
)
def test_any_other_answer_is_an_error_and_so_is_503_without_a_time(
    bodies: list[tuple[str, str]], answer: Answer, kind: str
) -> None:
    with server(lambda _number: answer) as running:
        outcome = done(Job(running.port, bodies, 1, count=2))
    assert outcome.errors == {kind: 2}
    assert outcome.latencies_ms == []


def test_a_server_that_is_not_there_is_an_error(bodies: list[tuple[str, str]]) -> None:
    with server() as running:
        port = running.port
    outcome = done(Job(port, bodies, 1, count=1))
    assert outcome.errors == {"ConnectionRefusedError": 1}


def test_stages_are_the_medians_of_what_the_server_says(bodies: list[tuple[str, str]]) -> None:
    with server(lambda number: (200, {"Server-Timing": f"infer;dur={number}, parse;dur=1"})) as running:
        outcome = done(Job(running.port, bodies, 1, count=3))
    assert outcome.stages_ms == {"infer": 1, "parse": 1}


def test_a_process_of_its_own_gives_the_same_figures(bodies: list[tuple[str, str]]) -> None:
    with server() as running:
        outcome = run_apart(Job(running.port, bodies, 2, count=4))
        timed = run_apart(Job(running.port, bodies, 1, seconds=0.2))
    assert len(outcome.latencies_ms) == 4
    assert len(timed.latencies_ms) >= 1
    assert len(running.bodies) == 4 + len(timed.latencies_ms)


def test_a_steady_load_keeps_its_rate_and_sends_nothing_twice(bodies: list[tuple[str, str]]) -> None:
    with server(lambda number: (200 if number else 503, {})) as running:
        with SteadyLoad(SteadyJob(running.port, bodies, rate=20)) as load:
            time.sleep(0.8)
        outcome = load.outcome
    assert outcome.sent == len(running.bodies) == pytest.approx(17, abs=5)
    assert [at for at, _latency in outcome.answered] == [number / 20 for number in range(1, outcome.sent)]
    assert outcome.failed == [[0.0, "/upload", "503 b'{}'"]]


def test_a_steady_request_counts_from_when_it_was_due(bodies: list[tuple[str, str]]) -> None:
    with server(delay_seconds=0.3) as running:
        with SteadyLoad(SteadyJob(running.port, bodies, rate=10, connections=1)) as load:
            time.sleep(0.8)
        first, second = load.outcome.latencies_ms[:2]
    assert first >= 300
    assert second >= 500


def test_health_is_asked_for_without_a_body() -> None:
    with server() as running, SteadyLoad(SteadyJob(running.port, [("/health", "")], rate=20)) as load:
        time.sleep(0.5)
    assert len(load.outcome.answered) >= 2
    assert running.bodies == []


def test_a_server_that_is_not_there_fails_every_request() -> None:
    with server() as running:
        port = running.port
    with SteadyLoad(SteadyJob(port, [("/health", "")], rate=20)) as load:
        time.sleep(0.5)
    assert load.outcome.answered == []
    assert load.outcome.sent == len(load.outcome.failed) >= 1
