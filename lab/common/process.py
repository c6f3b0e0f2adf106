"""A server on a port of this machine, in a process of its own: started, waited for, told to stop."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil

from lab.common.waiting import wait_until

if TYPE_CHECKING:
    from typing_extensions import Self

_PAUSE_SECONDS = 0.05
_STOP_SECONDS = 120
_LAST_WORDS = 10_000


class LocalServer:
    """A command that listens on a port, as a context manager that waits until it is ready.

    Attributes:
        port: on 127.0.0.1.
        client: an HTTP client whose base URL is the server.
        log_file: everything that it printed.
        ready_s: seconds from its start until it was ready.
    """

    def __init__(
        self, command: Sequence[str], port: int, log_file: Path, environment: dict[str, str], folder: Path
    ) -> None:
        """
        Args:
            command: the program and its arguments.
            port: where it will listen.
            log_file: emptied first.
            environment: the whole of it.
            folder: to run in.
        """
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
            self._close()
            raise
        self.ready_s = time.perf_counter() - started
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

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
        """The exit code, once the process has ended.

        Raises:
            TimeoutExpired: it has not within two minutes.
        """
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
        try:
            wait_until(is_met, what, in_vain=self._end, pause_s=_PAUSE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.log[-_LAST_WORDS:]}") from None

    def _wait_until_ready(self) -> None:
        raise NotImplementedError

    def _end(self) -> str | None:
        return None if self.is_running else f"{self._command[-1]} ended with {self._process.returncode}"

    def _close(self) -> None:
        self.client.close()
        if self.is_running:
            self.stop()
