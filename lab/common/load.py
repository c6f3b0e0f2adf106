"""Two load generators, run in a process of their own so that they share no interpreter with what is measured.

A `Job` keeps a number of requests in flight and replaces each as soon as it is answered. A `SteadyJob` sends at a
steady rate whatever comes back, and sends nothing twice; a request that finds no free connection waits for one, and its
latency counts from the moment at which it was due.

`python -m lab.common.load` reads a job as JSON from the first line of its standard input and prints the outcome as JSON
in its last line of output; a steady job goes on until the input is closed.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeAlias

from lab.common.http import Client, Reply, parse_server_timing
from src.config.settings import PROJECT_ROOT

_COMMAND = (sys.executable, "-m", "lab.common.load")
_TIMEOUT_SECONDS = 120.0
_ENDING_SECONDS = 180.0
_SECONDS_AFTER_AN_ERROR = 0.1
# Path, and the file with the body; without a file it is a GET.
Request: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """What to send to a port of this machine: the requests in turn, `at_once` of them in flight.

    After so many seconds nothing new is sent, or after `count` requests if it is not None; what is in flight is waited
    for.
    """

    port: int
    requests: Sequence[Request]
    at_once: int
    seconds: float = float("inf")
    count: int | None = None


@dataclass(slots=True)
class Outcome:
    """What came back.

    Attributes:
        elapsed_s: from the first request to the last answer.
        latencies_ms: of each answered request, in the order of the answers, from its first sending.
        refused: answers 503 with Retry-After; the request was sent again after that time.
        given_up: refused requests that would have been sent again after the end.
        errors: any other status than 200, and broken connections, with their numbers.
        stages_ms: medians of the stages in Server-Timing, empty where there is none.
        client_cpu_s: processor time that the load generator itself took.
    """

    elapsed_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    refused: int = 0
    given_up: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)
    client_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SteadyJob:
    """What to send to a port of this machine: the requests in turn, `rate` per second, each on one of so many
    connections.
    """

    port: int
    requests: Sequence[Request]
    rate: float
    connections: int = 8


@dataclass(slots=True)
class SteadyOutcome:
    """How many were sent; of each answer 200, the second at which its request was due, and its latency in ms; of every
    other request, the second at which it was due, its path, and what came instead.
    """

    sent: int = 0
    answered: list[tuple[float, float]] = field(default_factory=list)
    failed: list[tuple[float, str, str]] = field(default_factory=list)

    @property
    def latencies_ms(self) -> list[float]:
        return [latency for _at, latency in self.answered]


def run_apart(job: Job) -> Outcome:
    """What came back, from a process of its own."""
    process = subprocess.run(
        _COMMAND, input=_written(job), cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return Outcome(**json.loads(process.stdout))


class SteadyLoad:
    """Sends as long as the `with` block lasts; its `outcome` is filled at the end of the block."""

    def __init__(self, job: SteadyJob) -> None:
        self._job = job
        self._started = 0.0
        self.outcome = SteadyOutcome()

    def __enter__(self) -> SteadyLoad:
        self._process = subprocess.Popen(
            _COMMAND, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdin and self._process.stdout  # noqa: PT018 - pipes were asked for
        self._process.stdin.write(_written(self._job))
        self._process.stdin.flush()
        self._process.stdout.readline()
        self._started = time.perf_counter()
        return self

    @property
    def elapsed_s(self) -> float:
        """Since the first request was due."""
        return time.perf_counter() - self._started

    def __exit__(self, kind: object, *_more: object) -> None:
        output, _ = self._process.communicate(timeout=_ENDING_SECONDS)
        if kind is None:
            self.outcome = SteadyOutcome(**json.loads(output))


class _Sender:
    def __init__(self, port: int, requests: Sequence[Request], connections: int) -> None:
        self._port = port
        self._requests = requests
        self._connections = connections
        self._bodies = {file: Path(file).read_bytes() for _path, file in requests if file}
        self._lock = threading.Lock()
        self._next = 0
        self._started = 0.0

    def send_all(self) -> None:
        def work() -> None:
            with Client(self._port, _TIMEOUT_SECONDS) as client:
                while self._send_next(client):
                    pass

        workers = [threading.Thread(target=work) for _ in range(self._connections)]
        self._started = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _send_next(self, client: Client) -> bool:
        """False where nothing more is to be sent."""
        raise NotImplementedError

    def _ask(self, client: Client, request: Request) -> Reply | Exception:
        path, file = request
        try:
            return client.ask(path, self._bodies[file] if file else None)
        except (OSError, http.client.HTTPException) as error:
            return error


class BusySender(_Sender):
    """Does a `Job` in this process."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.port, job.requests, job.at_once)
        self._job = job
        self._outcome = Outcome()
        self._stages: defaultdict[str, list[float]] = defaultdict(list)

    def run(self) -> Outcome:
        cpu = time.process_time()
        self.send_all()
        self._outcome.client_cpu_s = time.process_time() - cpu
        self._outcome.stages_ms = {name: statistics.median(times) for name, times in self._stages.items()}
        return self._outcome

    def _send_next(self, client: Client) -> bool:
        with self._lock:
            if self._seconds_left() <= 0 or self._next == self._job.count:
                return False
            request = self._requests[self._next % len(self._requests)]
            self._next += 1
        first_sent = time.perf_counter()
        while (wait := self._try(client, request, first_sent)) is not None:
            # To wait beyond the end would count as time in which the server had nothing to do.
            gives_up = self._seconds_left() <= wait
            with self._lock:
                self._outcome.refused += 1
                self._outcome.given_up += gives_up
            if gives_up:
                return False
            time.sleep(wait)
        return True

    def _seconds_left(self) -> float:
        return self._started + self._job.seconds - time.perf_counter()

    def _try(self, client: Client, request: Request, first_sent: float) -> float | None:
        """Seconds after which to send the request again; None if it was answered or failed."""
        reply = self._ask(client, request)
        if isinstance(reply, Exception):
            self._count_error(type(reply).__name__)
        elif reply.status == 200:
            now = time.perf_counter()
            with self._lock:
                self._outcome.latencies_ms.append((now - first_sent) * 1000)
                self._outcome.elapsed_s = max(self._outcome.elapsed_s, now - self._started)
                for name, milliseconds in parse_server_timing(reply.headers.get("server-timing", "")).items():
                    self._stages[name].append(milliseconds)
        elif reply.status == 503 and (wait := _seconds_in(reply.headers.get("retry-after", ""))) is not None:
            return wait
        else:
            self._count_error(str(reply.status))
        return None

    def _count_error(self, kind: str) -> None:
        with self._lock:
            self._outcome.errors[kind] = self._outcome.errors.get(kind, 0) + 1
        # A server that is gone refuses thousands of connections a second.
        time.sleep(_SECONDS_AFTER_AN_ERROR)


class _SteadySender(_Sender):
    def __init__(self, job: SteadyJob, stop: threading.Event) -> None:
        super().__init__(job.port, job.requests, job.connections)
        self._rate = job.rate
        self._stop = stop
        self.outcome = SteadyOutcome()

    def _send_next(self, client: Client) -> bool:
        with self._lock:
            index, self._next = self._next, self._next + 1
        due_s = index / self._rate
        if self._stop.wait(max(0.0, self._started + due_s - time.perf_counter())):
            return False
        request = self._requests[index % len(self._requests)]
        reply = self._ask(client, request)
        latency_ms = (time.perf_counter() - self._started - due_s) * 1000
        with self._lock:
            self.outcome.sent += 1
            if isinstance(reply, Exception):
                self.outcome.failed.append((round(due_s, 3), request[0], f"{type(reply).__name__}: {reply}"))
            elif reply.status != 200:
                self.outcome.failed.append((round(due_s, 3), request[0], f"{reply.status} {reply.body[:200]!r}"))
            else:
                self.outcome.answered.append((round(due_s, 3), round(latency_ms, 2)))
        return True


def _seconds_in(header: str) -> float | None:
    try:
        return max(0.0, float(header))
    except ValueError:
        return None


def _written(job: Job | SteadyJob) -> str:
    return json.dumps(asdict(job)) + "\n"


def _main() -> None:
    job = json.loads(sys.stdin.readline())
    if "at_once" in job:
        print(json.dumps(asdict(BusySender(Job(**job)).run())))
        return
    stop = threading.Event()

    def stop_when_input_ends() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=stop_when_input_ends, daemon=True).start()
    print("started", flush=True)
    sender = _SteadySender(SteadyJob(**job), stop)
    sender.send_all()
    print(json.dumps(asdict(sender.outcome)))


if __name__ == "__main__":
    _main()
