"""The real nginx with the repository's configuration, started by the repository's `start.sh`."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from src.config.settings import PROJECT_ROOT

GATEWAY_FOLDER = PROJECT_ROOT / "deploy" / "gateway"
NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

_START_SECONDS = 30
_PATIENCE_SECONDS = 60
_STOP_SECONDS = 30


class GatewayProcess:
    """nginx in front of backends on local ports, as a context manager that waits until it listens.

    Attributes:
        port: that it listens on, 127.0.0.1 and all others.
        client: an HTTP client whose base URL is the gateway.
        folder: nginx's prefix: its pid, its temporary files and, under `conf`, the configuration it runs with.
        log_file: everything that it printed, the access log too.
    """

    def __init__(
        self,
        folder: Path,
        backend_ports: Sequence[int],
        *,
        replaced: Mapping[str, str] | None = None,
        **environment: str,
    ) -> None:
        """
        Args:
            folder: an empty folder, or one that does not exist yet.
            backend_ports: of the backends, on 127.0.0.1.
            replaced: directives of the configuration, and what stands in their place: `{"client_body_timeout 15s":
                "client_body_timeout 1s"}`. Each has to occur.
            environment: more variables for `start.sh`, such as `RATE_PER_ADDRESS`.
        """
        self.port = _steady_port()
        self.folder = folder / "run"
        self.log_file = folder / "log"
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=120)
        self._source = folder / "source"
        self._replaced = replaced or {}
        self._environment = (
            {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"}
            | {
                "GATEWAY_DIR": str(self.folder),
                "GATEWAY_PORT": str(self.port),
                "BACKENDS": ",".join(f"127.0.0.1:{port}" for port in backend_ports),
            }
            | environment
        )

    def __enter__(self) -> GatewayProcess:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(GATEWAY_FOLDER, self._source)
        self._replace()
        # Root's workers would be another user, who may not enter a test's private folder.
        arguments = ["-g", "user root;"] if os.geteuid() == 0 else []
        # To append: nginx opens its standard output once more for the access log.
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", str(self._source / "start.sh"), *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_it_listens()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.client.close()
        if self._process.poll() is None:
            self.stop()

    @property
    def pid(self) -> int:
        """Of nginx's master process."""
        return self._process.pid

    @property
    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Gives the exit code. SIGTERM stops at once, SIGQUIT when what it has is finished."""
        self._process.send_signal(number)
        try:
            return self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def _replace(self) -> None:
        for old, new in self._replaced.items():
            files = [file for file in self._source.glob("*.conf") if old in file.read_text(encoding="utf-8")]
            assert files, f"the configuration has no {old!r}"
            for file in files:
                file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")

    def wait_for(self, is_met: Callable[[], bool], what: str) -> None:
        """Asks again and again, for as long as a slow machine may need."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while not is_met():
            assert time.monotonic() < give_up_at, f"there was no {what} in {_PATIENCE_SECONDS} s:\n{self.log}"
            time.sleep(0.05)

    def _wait_until_it_listens(self) -> None:
        give_up_at = time.monotonic() + _START_SECONDS
        while time.monotonic() < give_up_at:
            if self._process.poll() is not None:
                raise AssertionError(f"nginx ended with {self._process.returncode}:\n{self.log}")
            try:
                # Any answer will do; this one needs no backend.
                self.client.get("/metrics")
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            return
        self._process.kill()
        raise AssertionError(f"nginx did not listen within {_START_SECONDS} s:\n{self.log}")


def _steady_port() -> int:
    """A free port below those that systems give to outgoing connections: one of these could take it before nginx does,
    and on a busy machine now and then does.
    """
    while True:
        port = random.randint(20_000, 32_000)  # noqa: S311
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
