"""The real service in a process of its own, started as its users start it."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from lab.common.process import LocalServer
from src.config.settings import PROJECT_ROOT, Settings

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Usage:
    """What the process that answers holds at one moment.

    Attributes:
        resident_mb: memory, MiB.
        threads: of it.
        descriptors: files, sockets and pipes.
    """

    resident_mb: float
    threads: int
    descriptors: int


class ServiceProcess(LocalServer):
    """`python main.py` on a free port, as a context manager that waits until it is healthy.

    What is given in capitals is put into its environment, which holds no other setting of ours; `root` is the folder of
    its `main.py`. `command` may be another server that listens on PORT and answers /health.
    """

    def __init__(
        self,
        log_file: Path,
        *,
        wait_until_healthy: bool = True,
        root: Path = PROJECT_ROOT,
        command: Sequence[str] = (sys.executable, "main.py"),
        **settings: str,
    ) -> None:
        port = int(settings.get("PORT", free_port()))
        # Settings in the caller's shell must not decide a test or a figure.
        own = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
        super().__init__(command, port, log_file, {**own, "PORT": str(port), **settings}, root)
        self._waits_until_healthy = wait_until_healthy

    @property
    def server_pid(self) -> int | None:
        """The process that answers; None while there is none."""
        return next(iter(self.server_pids), None)

    @property
    def server_pids(self) -> list[int]:
        """All children of the supervisor, zombies too; without a supervisor, the process that was started."""
        if self._environment.get("SUPERVISE", "true") != "true":
            return [self.pid]
        with contextlib.suppress(psutil.NoSuchProcess):
            return [child.pid for child in psutil.Process(self.pid).children()]
        return []

    @property
    def usage(self) -> Usage:
        """
        Raises:
            LookupError, psutil.NoSuchProcess: no process answers, or it has just ended.
        """
        server = self._server
        with server.oneshot():
            resident_mb = round(server.memory_info().rss / _MEGABYTE, 1)
            return Usage(resident_mb, server.num_threads(), server.num_fds())

    @property
    def cpu_s(self) -> float:
        """Processor time that the process that answers has taken since its start."""
        taken = self._server.cpu_times()
        return float(taken.user + taken.system)

    @property
    def resident_megabytes(self) -> float:
        """Memory of the process that answers."""
        return float(self._server.memory_info().rss / _MEGABYTE)

    @property
    def peak_resident_megabytes(self) -> float:
        """The most that it was since `forget_peak`; Linux only."""
        lines = Path(f"/proc/{self.server_pid}/status").read_text(encoding="ascii").splitlines()
        (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(peak) / 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.server_pid}/clear_refs").write_text("5", encoding="ascii")

    def wait_for_health(self, status: int, *, by_another_than: int | None = None) -> dict[str, object]:
        """The answer of /health, once it comes with this status.

        Args:
            status: of HTTP.
            by_another_than: a process whose answer does not count, because it was just killed.
        """
        return self._wait_for_answer(
            lambda answer: answer.status_code == status and self.server_pid not in {None, by_another_than},
            f"status {status} of /health",
        )

    def wait_for_requests_in_flight(self, count: int) -> None:
        self._wait_for_answer(
            lambda answer: answer.json()["requests_in_flight"] == count, f"{count} requests in flight"
        )

    def _wait_until_ready(self) -> None:
        if self._waits_until_healthy:
            self.wait_for_health(200)

    def _wait_for_answer(self, is_met: Callable[[httpx.Response], bool], what: str) -> dict[str, object]:
        answer: httpx.Response | None = None

        def ask() -> bool:
            nonlocal answer
            with contextlib.suppress(httpx.TransportError):
                answer = self.client.get("/health")
                return is_met(answer)
            return False

        self.wait_for(ask, what)
        assert answer is not None
        return dict(answer.json())

    @property
    def _server(self) -> Any:
        pid = self.server_pid
        if pid is None:
            raise LookupError(f"nothing answers on port {self.port}")
        return psutil.Process(pid)


def free_port() -> int:
    """One below the range of outgoing connections: one of these could take the port before the server does, and on a
    busy machine now and then did.
    """
    while True:
        port = random.SystemRandom().randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
