"""Gateway and backend start together, and stop together."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from lab.common.backend import LocalServer, free_port
from lab.common.gateway import GATEWAY_FOLDER
from src.config.settings import PROJECT_ROOT

SCRIPT = GATEWAY_FOLDER / "serve.sh"


class _Both(LocalServer):
    """`serve.sh` with the tiny model."""

    def __init__(self, folder: Path, model: Path) -> None:
        variables = {
            "PATH": os.environ["PATH"],
            "PORT": str(free_port()),
            "MODEL_PATH": str(model),
            "MAX_BODY_MB": "3",
            "ALLOWED_ORIGINS": "https://app.example.org",
        }
        command = ["/bin/sh", str(SCRIPT), sys.executable]
        super().__init__(command, int(variables["PORT"]), folder / "log", variables, folder)

    def _wait_until_ready(self) -> None:
        def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return self.client.get("/health").status_code == 200
            return False

        self.wait_for(answers, "health through the gateway")


@pytest.fixture
def both(tmp_path: Path, tiny_model: Path) -> Iterator[_Both]:
    with _Both(tmp_path, tiny_model) as processes:
        yield processes


def test_one_command_starts_both_and_its_end_stops_both(both: _Both) -> None:
    backend = f"http://127.0.0.1:{both.port + 1}"
    assert both.client.get("/metrics").status_code == 404
    assert httpx.get(f"{backend}/metrics").status_code == 200
    # The gateway has the settings of the service.
    answer = both.client.post("/upload", content=bytes(3 * 1024**2 + 1), headers={"Origin": "https://app.example.org"})
    assert (answer.status_code, answer.headers["server"]) == (413, "nginx")
    assert answer.headers["access-control-allow-origin"] == "https://app.example.org"
    processes = psutil.Process(both.pid).children(recursive=True)
    assert len(processes) > 3

    assert both.stop(signal.SIGTERM) == 0
    assert psutil.wait_procs(processes, timeout=30)[1] == []


@pytest.mark.parametrize("which", ["nginx", "python"])
def test_when_one_of_them_ends_so_does_the_other(both: _Both, which: str) -> None:
    processes = psutil.Process(both.pid).children(recursive=True)
    (one,) = (process for process in psutil.Process(both.pid).children() if which in process.name())
    one.terminate()

    assert both.wait() == 0
    assert psutil.wait_procs(processes, timeout=30)[1] == []


@pytest.mark.needs_no_nginx
def test_without_nginx_it_says_what_to_install(tmp_path: Path) -> None:
    script = tmp_path / "serve.sh"
    script.write_text(SCRIPT.read_text(encoding="utf-8").replace("command -v nginx", "command -v no-such-nginx"))
    run = subprocess.run(["/bin/sh", str(script)], check=False, capture_output=True, text=True, timeout=60)

    assert run.returncode == 1
    assert "apt-get install nginx-light" in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.needs_no_nginx
def test_make_has_a_command_for_it() -> None:
    command = ["make", "--dry-run", "serve"]
    run = subprocess.run(command, cwd=PROJECT_ROOT, check=True, capture_output=True, text=True, timeout=60)
    assert "exec deploy/gateway/serve.sh .venv/bin/python" in run.stdout
    assert SCRIPT.stat().st_mode & 0o111
