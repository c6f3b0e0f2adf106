"""The real service in a process of its own, started as its users start it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil

from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT, Settings

if TYPE_CHECKING:
    from typing_extensions import Self

_MEGABYTE = 1024 * 1024
_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 120
_LAST_WORDS = 10_000


class LocalServer:
    """A command that listens on a port of this machine, as a context manager that waits until it is ready.

    Attributes:
        port: on 127.0.0.1.
        client: an HTTP client whose base URL is the server.
        log_file: everything that it printed; emptied at the start of the block.
        ready_s: seconds from its start until it was ready.
    """

    def __init__(
        self, command: Sequence[str], port: int, log_file: Path, environment: dict[str, str], folder: Path
    ) -> None:
        """`environment` is the whole of it; `folder` is where the command runs."""
        self.port = port
        self.log_file = log_file
        self.ready_s = 0.0
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120)
        self._command = command
        self._environment = environment
        self._folder = folder

    def __enter__(self) -> Self:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.log_file.write_bytes(b"")
        started = time.perf_counter()
        self.start()
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        self.ready_s = time.perf_counter() - started
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        if self.is_running:
            self.stop()

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether what was started still runs."""
        return self._process.poll() is None

    def start(self) -> None:
        """Starts the command, once more if it has ended, and does not wait."""
        # Appended to, by a second start and by nginx, which opens its standard output again for the access log.
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def send_signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """The exit code, once the process has ended; TimeoutExpired if it has not within two minutes."""
        return self._process.wait(_STOP_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal.

        Raises:
            TimeoutExpired: it had to be killed, because it had not ended within two minutes.
        """
        self.send_signal(number)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            for process in (*psutil.Process(self.pid).children(recursive=True), self._process):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            raise

    def wait_for(self, is_met: Callable[[], bool], what: str) -> None:
        """
        Raises:
            AssertionError: it did not come within four minutes, or the process has ended. The end of the log is in it.
        """

        def end() -> str | None:
            return None if self.is_running else f"{self._command[-1]} ended with {self._process.returncode}"

        try:
            wait_until(is_met, what, in_vain=end, pause_s=_PAUSE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.log[-_LAST_WORDS:]}") from None

    def _wait_until_ready(self) -> None:
        raise NotImplementedError


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
    def usage(self) -> dict[str, Any]:
        """What the process that answers holds: memory in MiB, threads, and files, sockets and pipes.

        Raises:
            LookupError, psutil.NoSuchProcess: no process answers, or it has just ended.
        """
        server = self._server
        resident_mb = round(server.memory_info().rss / _MEGABYTE, 1)
        return {"resident_mb": resident_mb, "threads": server.num_threads(), "descriptors": server.num_fds()}

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
        """The answer of /health, once it comes with this status, and not from a process that was just killed."""
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
        answers: list[httpx.Response] = []

        def ask() -> bool:
            with contextlib.suppress(httpx.TransportError):
                answers.append(self.client.get("/health"))
                return is_met(answers[-1])
            return False

        self.wait_for(ask, what)
        return dict(answers[-1].json())

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
