"""One side in a process of its own, from its start until it is told to stop."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import psutil

from lab.bench.client import Client
from lab.bench.sides.side import Side
from src.config.settings import PROJECT_ROOT, Settings

_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.02
_MEGABYTE = 1024 * 1024


class SideProcess:
    """Starts a side on a free port as a context manager that waits until it is ready.

    Attributes:
        port: where it listens.
        ready_s: seconds from its start until /health said 200.
    """

    def __init__(self, side: Side, log_folder: Path) -> None:
        self.port = _free_port()
        self.ready_s = 0.0
        self._side = side
        self._log_file = log_folder / f"{side.name}.log"
        # What the shell of whoever runs this says of our settings must not decide a figure.
        own = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        self._environment = {**own, "PORT": str(self.port), **side.environment}

    def __enter__(self) -> SideProcess:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        with self._log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self._side.command,
                cwd=PROJECT_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._usage = psutil.Process(self._process.pid)
        try:
            self._wait_until_ready(started)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def memory_mb(self) -> float:
        """Resident memory in MiB, of the process and its children; what they share counts twice."""
        return sum(float(process.memory_info().rss) for process in self._processes()) / _MEGABYTE

    @property
    def cpu_s(self) -> float:
        """Processor time taken since the start, by the process and its children."""
        times = [process.cpu_times() for process in self._processes()]
        return float(sum(taken.user + taken.system for taken in times))

    def _processes(self) -> list[psutil.Process]:
        # The service is a supervisor and its server process; only the second does anything.
        return [self._usage, *self._usage.children(recursive=True)]

    def _wait_until_ready(self, started: float) -> None:
        while time.perf_counter() - started < _START_SECONDS:
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._side.name} ended with {self._process.returncode}; see {self._log_file}")
            if self._is_ready():
                self.ready_s = time.perf_counter() - started
                return
            time.sleep(_POLL_SECONDS)
        raise RuntimeError(f"{self._side.name} was not ready within {_START_SECONDS:.0f} s; see {self._log_file}")

    def _is_ready(self) -> bool:
        try:
            with Client(self.port) as client:
                return client.get("/health").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def _stop(self) -> None:
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
