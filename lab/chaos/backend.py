"""The service as its users start it, to be killed and looked into.

`python main.py` may serve itself or watch over a process that does: whatever listens on the port is the server.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from lab.bench.client import Client
from src.config.settings import PROJECT_ROOT, Settings

_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.1
_PROBE_TIMEOUT_SECONDS = 10.0
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What the server process holds at one moment.

    Attributes:
        resident_mb: memory, MiB.
        threads: of it.
        descriptors: files, sockets and pipes.
        files: regular files among them.
    """

    resident_mb: float
    threads: int
    descriptors: int
    files: int


class Backend:
    """One backend on a port of its own, as a context manager that waits until it is healthy.

    Attributes:
        port: where it listens; it comes back on the same one.
    """

    def __init__(self, port: int, log_file: Path, **environment: str) -> None:
        self.port = port
        self._log_file = log_file
        # What the shell of whoever runs this says of our settings must not decide a figure.
        own = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        self._environment = {**own, "PORT": str(port), **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Backend:
        self.start()
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether what was started still runs; with a supervisor it does while its server is away."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts `python main.py`, and does not wait."""
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=PROJECT_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> int | None:
        """SIGTERM, and the exit code once everything has ended; None if nothing ran."""
        if self._process is None:
            return None
        family = self._family()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            for process in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    def kill_server(self) -> None:
        """SIGKILL to what listens; where nothing brings it back by itself, that is left to `start`."""
        server = self.server
        server.kill()
        if self._process is not None and server.pid == self._process.pid:
            self._process.wait(_STOP_SECONDS)

    def wait_until_ready(self, but_not: int | None = None) -> float:
        """Seconds until /health says 200.

        Args:
            but_not: a process that does not count, because it was just killed.

        Raises:
            RuntimeError: it ended, or it was not ready in five minutes.
        """
        started = time.perf_counter()
        while time.perf_counter() - started < _START_SECONDS:
            if not self.is_running:
                raise RuntimeError(f"the backend on port {self.port} has ended; see {self._log_file}")
            if self._is_healthy() and self.server_pid() not in (None, but_not):
                return time.perf_counter() - started
            time.sleep(_POLL_SECONDS)
        raise RuntimeError(f"the backend on port {self.port} was not ready in {_START_SECONDS:.0f} s")

    def server_pid(self) -> int | None:
        """Of what listens on the port; None while nothing does."""
        try:
            return int(self.server.pid)
        except LookupError:
            return None

    @property
    def server(self) -> psutil.Process:
        """
        Raises:
            LookupError: nothing of ours listens on the port.
        """
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                for connection in process.net_connections(kind="tcp"):
                    if connection.status == psutil.CONN_LISTEN and connection.laddr.port == self.port:
                        return process
        raise LookupError(f"nothing of ours listens on port {self.port}")

    def _family(self) -> list[psutil.Process]:
        if self._process is None:
            return []
        try:
            parent = psutil.Process(self._process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _is_healthy(self) -> bool:
        try:
            with Client(self.port, _PROBE_TIMEOUT_SECONDS) as client:
                return client.get("/health").status == 200
        except (OSError, http.client.HTTPException):
            return False


def usage_of(server: psutil.Process) -> Usage:
    """
    Raises:
        psutil.NoSuchProcess: it has ended.
    """
    with server.oneshot():
        return Usage(
            round(server.memory_info().rss / _MEGABYTE, 1),
            server.num_threads(),
            server.num_fds(),
            len(server.open_files()),
        )
