"""The load generator: so many requests at once, each sent again as soon as it is answered.

It runs in a process of its own, `python -m lab.bench.load`, with the job as JSON on standard input and the figures as
JSON on standard output, so that it shares no interpreter with anything that is measured.
"""

from __future__ import annotations

import http.client
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.bench.client import Client
from lab.bench.server_timing import parse_server_timing

_ROOT = Path(__file__).resolve().parents[1]
_SECONDS_AFTER_AN_ERROR = 0.1


@dataclass(frozen=True, slots=True)
class Job:
    """What to send.

    Attributes:
        port: of the server on this machine.
        requests: (path, file with the body), taken in turn.
        at_once: requests on their way at any time.
        seconds: after these, nothing new is sent; what is on its way is waited for.
        count: requests to send; None sends until the time is over.
    """

    port: int
    requests: Sequence[tuple[str, str]]
    at_once: int
    seconds: float = float("inf")
    count: int | None = None


@dataclass(slots=True)
class Outcome:
    """What came back.

    Attributes:
        elapsed_s: from the first request to the last answer.
        latencies_ms: of each answered request, in the order of the answers, from its first sending; a refused request
            that was answered later counts with its waiting.
        refused: answers 503 with Retry-After; the request was sent again after that time.
        given_up: refused requests whose time to be sent again lay after the end.
        errors: any other answer but 200, by status, and broken connections.
        stages_ms: medians of what the server says of its stages, empty where it says nothing.
        client_cpu_s: processor time that the load generator itself took.
    """

    elapsed_s: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    refused: int = 0
    given_up: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    stages_ms: dict[str, float] = field(default_factory=dict)
    client_cpu_s: float = 0.0


def generate(job: Job) -> Outcome:
    """Sends the requests of a job from this process."""
    return _Generator(job).run()


def run_apart(job: Job) -> Outcome:
    """The same from a process of its own.

    Raises:
        CalledProcessError: the process failed.
    """
    process = subprocess.run(
        [sys.executable, "-m", "lab.bench.load"],
        input=json.dumps(asdict(job)),
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Outcome(**json.loads(process.stdout))


class _Generator:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._bodies = {file: Path(file).read_bytes() for _path, file in job.requests}
        self._turn = itertools.cycle(job.requests)
        self._left = job.count
        self._lock = threading.Lock()
        self._outcome = Outcome()
        self._errors: Counter[str] = Counter()
        self._stages: defaultdict[str, list[float]] = defaultdict(list)
        self._started = self._last_answer = 0.0

    def run(self) -> Outcome:
        workers = [threading.Thread(target=self._work) for _ in range(self._job.at_once)]
        cpu = time.process_time()
        self._started = self._last_answer = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        outcome = self._outcome
        outcome.elapsed_s = self._last_answer - self._started
        outcome.client_cpu_s = time.process_time() - cpu
        outcome.errors = dict(self._errors)
        outcome.stages_ms = {name: statistics.median(times) for name, times in self._stages.items()}
        return outcome

    def _work(self) -> None:
        with Client(self._job.port) as client:
            while (request := self._next()) is not None:
                path, file = request
                if not self._send_until_answered(client, path, self._bodies[file]):
                    break

    def _next(self) -> tuple[str, str] | None:
        with self._lock:
            if self._seconds_left() <= 0 or self._left == 0:
                return None
            if self._left is not None:
                self._left -= 1
            return next(self._turn)

    def _seconds_left(self) -> float:
        return self._started + self._job.seconds - time.perf_counter()

    def _send_until_answered(self, client: Client, path: str, body: bytes) -> bool:
        """False where the end comes before a refused request may be sent again."""
        first_sent = time.perf_counter()
        while True:
            try:
                reply = client.post(path, body)
            except (OSError, http.client.HTTPException) as error:
                self._count_error(type(error).__name__)
                return True
            if reply.status == 200:
                self._count_answer(first_sent, reply.headers.get("server-timing", ""))
                return True
            wait = _retry_after_seconds(reply.headers.get("retry-after")) if reply.status == 503 else None
            if wait is None:
                self._count_error(str(reply.status))
                return True
            if not self._wait_to_retry(wait):
                return False

    def _count_answer(self, first_sent: float, server_timing: str) -> None:
        now = time.perf_counter()
        stages = parse_server_timing(server_timing)
        with self._lock:
            self._outcome.latencies_ms.append((now - first_sent) * 1000)
            self._last_answer = max(self._last_answer, now)
            for name, milliseconds in stages.items():
                self._stages[name].append(milliseconds)

    def _count_error(self, kind: str) -> None:
        with self._lock:
            self._errors[kind] += 1
        # A server that is gone refuses thousands of connections a second.
        time.sleep(_SECONDS_AFTER_AN_ERROR)

    def _wait_to_retry(self, seconds: float) -> bool:
        """False where the end comes first: the server would idle while we wait for it, and the time would count."""
        gives_up = self._seconds_left() <= seconds
        with self._lock:
            self._outcome.refused += 1
            self._outcome.given_up += gives_up
        if gives_up:
            return False
        time.sleep(seconds)
        return True


def _retry_after_seconds(header: str | None) -> float | None:
    """None where the server does not say when to come back."""
    try:
        return None if header is None else max(0.0, float(header))
    except ValueError:
        return None


if __name__ == "__main__":
    print(json.dumps(asdict(generate(Job(**json.load(sys.stdin))))))
