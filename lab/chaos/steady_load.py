"""Good traffic: a client that sends at a steady rate, keeps its connections, and never sends anything twice.

It runs in a process of its own, `python -m lab.chaos.steady_load`, with the job as JSON in the first line of standard
input, until that is closed; then it prints what it counted as JSON. A request that has not been sent in time waits for
a free connection, and its latency counts from the moment that it was due.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType

from lab.bench.client import Client
from src.config.settings import PROJECT_ROOT

_TIMEOUT_SECONDS = 120.0
_ENDING_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class SteadyJob:
    """
    Attributes:
        port: on this machine.
        requests: (path, file with the body), taken in turn.
        rate: per second.
        connections: kept open; a request waits where all are taken.
    """

    port: int
    requests: list[tuple[str, str]]
    rate: float
    connections: int = 8


@dataclass(slots=True)
class SteadyOutcome:
    """
    Attributes:
        sent: requests.
        answered: seconds since the start at which a request was due, and its latency in ms; of answers 200.
        failed: of every other: seconds since the start at which it was due, its path, and what came instead.
    """

    sent: int = 0
    answered: list[tuple[float, float]] = field(default_factory=list)
    failed: list[tuple[float, str, str]] = field(default_factory=list)

    @property
    def latencies_ms(self) -> list[float]:
        return [latency for _at, latency in self.answered]

    def between(self, start_s: float, end_s: float) -> list[float]:
        """Latencies in ms of the requests that were due then."""
        return [latency for at, latency in self.answered if start_s <= at < end_s]


class SteadyLoad:
    """Sends as long as the `with` block lasts.

    Attributes:
        outcome: filled at the end of the block.
    """

    def __init__(self, job: SteadyJob) -> None:
        self._job = job
        self._started = 0.0
        self.outcome = SteadyOutcome()

    def __enter__(self) -> SteadyLoad:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.chaos.steady_load"],
            cwd=PROJECT_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin and self._process.stdout  # noqa: PT018 - pipes were asked for
        self._process.stdin.write(json.dumps(asdict(self._job)) + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()
        self._started = time.perf_counter()
        return self

    @property
    def elapsed_s(self) -> float:
        """Since the first request was due."""
        return time.perf_counter() - self._started

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        output, _ = self._process.communicate(timeout=_ENDING_SECONDS)
        if kind is None:
            self.outcome = SteadyOutcome(**json.loads(output))


class _Sender:
    def __init__(self, job: SteadyJob) -> None:
        self._job = job
        self._bodies = {file: Path(file).read_bytes() for _path, file in job.requests}
        self._lock = threading.Lock()
        self._next = 0
        self._started = 0.0
        self.outcome = SteadyOutcome()

    def run(self, stop: threading.Event) -> SteadyOutcome:
        workers = [threading.Thread(target=self._work, args=(stop,)) for _ in range(self._job.connections)]
        self._started = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return self.outcome

    def _work(self, stop: threading.Event) -> None:
        with Client(self._job.port, _TIMEOUT_SECONDS) as client:
            while True:
                with self._lock:
                    index, self._next = self._next, self._next + 1
                due_s = index / self._job.rate
                if stop.wait(max(0.0, self._started + due_s - time.perf_counter())):
                    return
                path, file = self._job.requests[index % len(self._job.requests)]
                self._send(client, path, self._bodies[file], due_s)

    def _send(self, client: Client, path: str, body: bytes, due_s: float) -> None:
        try:
            reply = client.post(path, body)
            problem = None if reply.status == 200 else f"{reply.status} {reply.body[:200]!r}"
        except (OSError, http.client.HTTPException) as error:
            problem = f"{type(error).__name__}: {error}"
        latency_ms = (time.perf_counter() - self._started - due_s) * 1000
        with self._lock:
            self.outcome.sent += 1
            if problem is None:
                self.outcome.answered.append((round(due_s, 3), round(latency_ms, 2)))
            else:
                self.outcome.failed.append((round(due_s, 3), path, problem))


def _main() -> None:
    job = SteadyJob(**json.loads(sys.stdin.readline()))
    stop = threading.Event()

    def stop_when_input_ends() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=stop_when_input_ends, daemon=True).start()
    sender = _Sender(job)
    print("started", flush=True)
    print(json.dumps(asdict(sender.run(stop))))


if __name__ == "__main__":
    _main()
