"""A step that hangs, a process that stands still, memory that runs out, a log that nobody reads: it is well again soon.

A decoder that does such things on a certain picture takes the place of ours, before the real service starts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from lab.common.backend import ServiceProcess, free_port
from lab.common.waiting import wait_until
from src.config.process import LOST
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from tests.contract.payloads import assert_error, base64_of, data_uri, picture_bytes
from tests.services import Start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the processes are looked up in /proc")

MOST_SECONDS_TO_ANOTHER_PROCESS = 30

# `main.py`, but for the decoder: what stands behind a picture's end says what it does.
SCRIPT = f"""
import os, sys, time
sys.path.insert(0, {str(PROJECT_ROOT)!r})
from src.config.process import block_signals, exit_at_once
block_signals()
import main

def with_this_decoder(settings, overseer, serve=main._serve):
    import numpy as np
    from src.utils import image_codec

    def decode(data, *args, ours=image_codec.decode_picture_of, **kwargs):
        if data.endswith(b"SLEEP"):
            time.sleep(600)
        if data.endswith(b"HOLD"):
            # Holds Python's lock all the while, as C code may.
            sum(range(10**11))
        if data.endswith(b"GREED"):
            np.zeros(1 << 60, np.uint8)
        if data.endswith(b"PRINT"):
            for number in range(50_000):
                os.write(2, b"libpng warning: line %d of them\\n" % number)
        return ours(data, *args, **kwargs)

    image_codec.decode_picture_of = decode
    return serve(settings, overseer)

main._serve = with_this_decoder
exit_at_once(main.main())
"""


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    script = tmp_path_factory.mktemp("decoder") / "main.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return [sys.executable, str(script)]


@pytest.fixture(scope="module")
def service(start: Start, command: list[str]) -> Iterator[ServiceProcess]:
    """Of two workers, so that one is left."""
    with start(command=command, STEP_TIMEOUT_S="3", WORKER_THREADS="2") as process:
        yield process


def upload(service: ServiceProcess, picture: RgbImage, what: bytes = b"") -> httpx.Response:
    body = {"image": base64_of(picture_bytes(picture) + what)}
    return httpx.post(service.client.base_url.join("/upload"), json=body, timeout=120)


@contextlib.contextmanager
def comes_back(service: ServiceProcess, eye_photo: RgbImage) -> Iterator[None]:
    """Whatever happens in the block: another server process follows soon, and gives good answers.

    How long the model takes to load, the machine decides.
    """
    first, began = service.server_pid, time.monotonic()
    yield
    wait_until(lambda: service.server_pid not in {None, first}, "another server process")
    assert time.monotonic() - began < MOST_SECONDS_TO_ANOTHER_PROCESS
    service.wait_for_health(200, by_another_than=first)
    assert upload(service, eye_photo).status_code == 200
    assert len(service.server_pids) == 1


def test_a_decoder_that_hangs(service: ServiceProcess, eye_photo: RgbImage) -> None:
    seen: set[tuple[int, int, str]] = set()

    def ask() -> bool:
        with contextlib.suppress(httpx.TransportError):
            live, health = service.client.get("/live"), service.client.get("/health")
            seen.add((live.status_code, health.status_code, health.json()["message"]))
        return (503, 503, "Failing") in seen

    with comes_back(service, eye_photo), ThreadPoolExecutor(1) as clients:
        hanging = clients.submit(upload, service, eye_photo, b"SLEEP")
        service.wait_for_requests_in_flight(1)
        # The other worker goes on.
        assert upload(service, eye_photo).status_code == 200
        wait_until(ask, "503 of both")
        refused = upload(service, eye_photo)
        assert_error(refused, 503, "draining")
        assert int(refused.headers["Retry-After"]) > 0
        with pytest.raises(httpx.TransportError):
            hanging.result()
    assert "CRITICAL eyenet.watch frame_crops has been running for 3 s, and cannot be stopped" in service.log
    assert f"server process ended with exit code {LOST}, restart " in service.log


def test_a_decoder_that_hangs_with_pythons_lock(service: ServiceProcess, eye_photo: RgbImage) -> None:
    with comes_back(service, eye_photo), pytest.raises(httpx.TransportError):
        upload(service, eye_photo, b"HOLD")
    assert "server process has had no heartbeat for 8 s: killed" in service.log


def test_a_server_process_that_is_stopped(service: ServiceProcess, eye_photo: RgbImage) -> None:
    killed = service.log.count("no heartbeat")
    with comes_back(service, eye_photo):
        assert service.server_pid is not None
        os.kill(service.server_pid, signal.SIGSTOP)
    assert service.log.count("no heartbeat") == killed + 1


def test_memory_that_runs_out_in_a_decoder(service: ServiceProcess, eye_photo: RgbImage) -> None:
    with comes_back(service, eye_photo):
        assert_error(upload(service, eye_photo, b"GREED"), 503, "draining")
    assert "failed: memory ran out" in service.log


def test_memory_that_runs_out_anywhere(service: ServiceProcess, eye_photo: RgbImage) -> None:
    large = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8).repeat(50, 0).repeat(50, 1)
    with comes_back(service, eye_photo):
        server = psutil.Process(service.server_pid)
        server.rlimit(psutil.RLIMIT_AS, (server.memory_info().vms, psutil.RLIM_INFINITY))
        # An answer, if there is the memory for one; what matters is the next one.
        with contextlib.suppress(httpx.TransportError):
            assert upload(service, large).status_code in {500, 503}


def test_a_decoder_that_warns_50000_times(service: ServiceProcess, eye_photo: RgbImage) -> None:
    first, before = service.server_pid, len(service.log.splitlines())
    assert upload(service, eye_photo, b"PRINT").status_code == 200
    assert service.server_pid == first
    wait_until(lambda: "eyenet.printed libpng warning: line 199 of them" in service.log, "the first of them")
    assert len(service.log.splitlines()) - before < 300


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_without_a_meaning_is_noted_by_either_process(service: ServiceProcess, number: signal.Signals) -> None:
    first = service.server_pid
    assert first is not None
    service.send_signal(number)
    os.kill(first, number)
    for logger in ("eyenet.supervisor", "eyenet.server"):
        wait_until(lambda: f"{logger} {number.name} means nothing here" in service.log, "a line of each")  # noqa: B023
    assert service.server_pid == first


def test_without_a_supervisor_a_decoder_that_hangs_ends_the_service(
    start: Start, command: list[str], eye_photo: RgbImage, tmp_path: Path
) -> None:
    """What starts it again is systemd, which hears of it all."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        settings = {"SUPERVISE": "false", "STEP_TIMEOUT_S": "2", "NOTIFY_SOCKET": str(tmp_path / "notify")}
        with start(command=command, **settings) as service:
            assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
            with pytest.raises(httpx.TransportError):
                upload(service, eye_photo, b"SLEEP")
            assert service.wait() == LOST


def waits_to_be_asked_for(pid: int, number: signal.Signals) -> bool:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (blocked,) = (line.split()[1] for line in lines if line.startswith("SigBlk:"))
    return bool(int(blocked, 16) & 1 << number - 1)


@pytest.mark.parametrize(("number", "supervise"), [("SIGHUP", "false"), ("SIGQUIT", "true")])
def test_while_it_starts_a_signal_means_what_it_means_later(start: Start, number: str, supervise: str) -> None:
    with start(wait_until_healthy=False, SUPERVISE=supervise) as service:
        wait_until(lambda: waits_to_be_asked_for(service.pid, signal.SIGUSR1), "the first line of main.py")
        service.send_signal(signal.SIGUSR1)
        wait_until(lambda: "listening" in service.log, "the port")
        service.send_signal(signal.SIGUSR2)
        wait_until(lambda: service.log.count("means nothing here") == 2, "two lines")
        service.send_signal(signal.Signals[number])
        assert service.wait() == 0
        assert f"{number}: draining" in service.log


@pytest.mark.parametrize("supervise", ["true", "false"])
def test_a_log_that_nobody_reads(tiny_model: Path, face: RgbImage, supervise: str) -> None:
    """Neither of the two streams is, so that every line of the log, and every cry of a library, is one too many."""
    port = free_port()
    settings = {"PORT": str(port), "MODEL_PATH": str(tiny_model), "LOG_LEVEL": "DEBUG", "SUPERVISE": supervise}
    reading, writing = os.pipe()
    try:
        with (
            subprocess.Popen(
                [sys.executable, "main.py"],
                cwd=PROJECT_ROOT,
                env={**os.environ, **settings},
                stdout=writing,
                stderr=writing,
            ) as process,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
        ):
            try:
                wait_until(lambda: answers(client, "/health"), "a healthy service")
                # A pipe holds 64 KiB; a line here is about 150 bytes.
                for _ in range(2_000):
                    assert client.get("/live").status_code == 200
                assert client.post("/upload", json={"image": data_uri(face)}).status_code == 200
                process.send_signal(signal.SIGTERM)
                assert process.wait(60) == 0
            finally:
                process.kill()
    finally:
        os.close(reading)
        os.close(writing)


def answers(client: httpx.Client, path: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get(path).status_code == 200
    return False
