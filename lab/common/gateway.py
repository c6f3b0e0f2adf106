"""The real nginx with the repository's configuration, started by the repository's `start.sh`."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from lab.common.backend import LocalServer, free_port
from src.config.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from typing_extensions import Self

GATEWAY_FOLDER = PROJECT_ROOT / "deploy" / "gateway"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
NGINX = shutil.which("nginx", path=_PATH)

UNLIMITED = "100000"
"""RATE_PER_ADDRESS of a trial that sends everything from one address and is about something else."""


class GatewayProcess(LocalServer):
    """nginx in front of backends on local ports, as a context manager that waits until it listens.

    Attributes:
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
        """The folder is empty or does not exist yet. `replaced` are directives of the configuration, which have to be
        there, and what stands in their place; in capitals come more variables for `start.sh`.
        """
        port = free_port()
        self.folder = folder / "run"
        self._source = folder / "source"
        self._replaced = replaced or {}
        # Root's workers would be another user, who may not enter a test's private folder.
        arguments = ["-g", "user root;"] if os.geteuid() == 0 else []
        variables = {
            "PATH": _PATH,
            "GATEWAY_DIR": str(self.folder),
            "GATEWAY_PORT": str(port),
            "BACKENDS": ",".join(f"127.0.0.1:{port}" for port in backend_ports),
        }
        command = ["/bin/sh", str(self._source / "start.sh"), *arguments]
        super().__init__(command, port, folder / "log", variables | environment, PROJECT_ROOT)

    def __enter__(self) -> Self:
        shutil.copytree(GATEWAY_FOLDER, self._source)
        for old, new in self._replaced.items():
            files = [file for file in self._source.glob("*.conf") if old in file.read_text(encoding="utf-8")]
            assert files, f"the configuration has no {old!r}"
            for file in files:
                file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        return super().__enter__()

    def _wait_until_ready(self) -> None:
        def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                # Any answer will do; this one needs no backend.
                self.client.get("/metrics")
                return True
            return False

        self.wait_for(answers, "answer of the gateway")
