"""The real service in a process of its own, started as its users start it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import httpx

from src.config.settings import PROJECT_ROOT

_START_SECONDS = 120
_STOP_SECONDS = 120


class ServiceProcess:
    """`python main.py` on a free port, as a context manager that waits until it is healthy.

    Everything in capitals is put into its environment; `root` is where its `main.py` is.

    Attributes:
        client: an HTTP client whose base URL is the service.
        log_file: everything that the process printed.
    """

    def __init__(
        self, log_file: Path, *, wait_until_healthy: bool = True, root: Path = PROJECT_ROOT, **settings: str
    ) -> None:
        self.port = int(settings.get("PORT", free_port()))
        self.log_file = log_file
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=120)
        self._root = root
        self._wait_until_healthy = wait_until_healthy
        self._environment = os.environ | {"PORT": str(self.port)} | settings

    def __enter__(self) -> ServiceProcess:
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        if self._wait_until_healthy:
            self.wait_for_health(200)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.client.close()
        if self._process.poll() is None:
            self.stop()

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """The process that was started: the supervisor, unless SUPERVISE is false."""
        return self._process.pid

    @property
    def server_pid(self) -> int | None:
        """The process that answers; None while there is none. Linux only."""
        return next(iter(self.server_pids), None)

    @property
    def server_pids(self) -> list[int]:
        """All children of the supervisor, also those that have ended and not been asked about; Linux only."""
        if self._environment.get("SUPERVISE", "true") != "true":
            return [self.pid]
        return _children_of(self.pid)

    @property
    def resident_megabytes(self) -> float:
        """Memory of the process that answers; Linux only."""
        return self._megabytes("VmRSS:")

    @property
    def peak_resident_megabytes(self) -> float:
        """The most that it was since `forget_peak`; Linux only."""
        return self._megabytes("VmHWM:")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.server_pid}/clear_refs").write_text("5", encoding="ascii")

    def _megabytes(self, name: str) -> float:
        for line in Path(f"/proc/{self.server_pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) / 1024
        raise AssertionError("the process has ended")

    def wait_for_health(self, status: int) -> dict[str, object]:
        """The answer of /health, once it comes with this status."""
        return self._wait_for(lambda answer: answer.status_code == status, f"status {status}")

    def wait_for_requests_in_flight(self, count: int) -> None:
        self._wait_for(lambda answer: answer.json()["requests_in_flight"] == count, f"{count} requests in flight")

    def _wait_for(self, is_met: Callable[[httpx.Response], bool], what: str) -> dict[str, object]:
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at:
            if self._process.poll() is not None:
                raise AssertionError(f"the service ended with {self._process.returncode}:\n{self.log}")
            try:
                answer = self.client.get("/health")
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if is_met(answer):
                return dict(answer.json())
            time.sleep(0.05)
        raise AssertionError(f"/health did not show {what} in {_START_SECONDS} s:\n{self.log}")

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once the process has ended."""
        return self._process.wait(_STOP_SECONDS)

    def stop(self) -> int:
        self.send_signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


def _children_of(parent: int) -> list[int]:
    children = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # After the name, which may hold anything, also brackets: state, parent.
            fields = file.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[1]) == parent:
                children.append(int(file.parent.name))
    return children


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
