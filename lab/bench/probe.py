"""Asks a server for /health twenty times a second while others keep it busy.

It runs in a process of its own, `python -m lab.bench.probe PORT`, until its standard input is closed.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

from lab.bench.client import Client

_ROOT = Path(__file__).resolve().parents[1]
_INTERVAL_SECONDS = 0.05
_TIMEOUT_SECONDS = 60.0


class HealthProbe:
    """Probes as long as the `with` block lasts.

    Attributes:
        latencies_ms: of each answer 200; filled at the end of the block.
        failures: other answers, and none; filled at the end of the block.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.latencies_ms: list[float] = []
        self.failures = 0

    def __enter__(self) -> HealthProbe:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lab.bench.probe", str(self._port)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        output, _ = self._process.communicate()
        if kind is None:
            figures = json.loads(output)
            self.latencies_ms, self.failures = figures["latencies_ms"], figures["failures"]


def probe(port: int, stop: threading.Event) -> tuple[list[float], int]:
    """Latencies of the answers 200 in milliseconds, and the number of others, until `stop` is set."""
    latencies: list[float] = []
    failures = 0
    next_at = time.perf_counter()
    with Client(port, _TIMEOUT_SECONDS) as client:
        while not stop.wait(max(0.0, next_at - time.perf_counter())):
            started = time.perf_counter()
            next_at = max(next_at + _INTERVAL_SECONDS, started)
            try:
                status = client.get("/health").status
            except (OSError, http.client.HTTPException):
                status = None
            if status == 200:
                latencies.append((time.perf_counter() - started) * 1000)
            else:
                failures += 1
    return latencies, failures


def _main() -> None:
    stop = threading.Event()

    def stop_when_input_ends() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=stop_when_input_ends, daemon=True).start()
    latencies, failures = probe(int(sys.argv[1]), stop)
    print(json.dumps({"latencies_ms": latencies, "failures": failures}))


if __name__ == "__main__":
    _main()
