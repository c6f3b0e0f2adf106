"""The service comes back when its server process dies, stops when told to, and gives up a process that only dies."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from lab.common.backend import ServiceProcess
from lab.common.http import RawConnection
from lab.common.waiting import wait_until
from src.core.types import RgbImage
from src.supervisor.supervisor import KILL_AFTER_S, MAX_FAILED_STARTS
from tests.contract.payloads import LONG, data_uri, gauge, long_request, scrape
from tests.services import Start

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the processes are looked up in /proc, which only Linux has"
)

MALFORMED_CHUNK = b"POST /predict HTTP/1.1\r\nHost: eyenet\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n"


def send_malformed_chunk(service: ServiceProcess) -> None:
    with RawConnection(service.port) as connection:
        connection.send(MALFORMED_CHUNK)
        # An answer, or an end of the connection: either is fine, both mean that it has been read.
        connection.was_closed()


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def wait_for_other_server(service: ServiceProcess, previous: int | None) -> int:
    """The process that follows the previous one."""
    wait_until(lambda: service.server_pid not in {None, previous}, "another server process")
    assert service.server_pid is not None
    return service.server_pid


def restarts(service: ServiceProcess) -> float:
    return gauge(scrape(service.client), "eyenet_restarts_total")


def is_port_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def open_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


class TestDeaths:
    """Of one service, which is as well after each as before."""

    @pytest.fixture(scope="class")
    def model(self, tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
        """A copy, to be taken away."""
        return Path(shutil.copy(tiny_model, tmp_path_factory.mktemp("model")))

    @pytest.fixture(scope="class")
    def supervised(self, start: Start, model: Path) -> Iterator[ServiceProcess]:
        with start(MODEL_PATH=str(model)) as process:
            yield process

    def test_the_supervisor_is_small_and_has_one_thread(self, supervised: ServiceProcess) -> None:
        supervisor = psutil.Process(supervised.pid)
        assert supervisor.num_threads() == 1
        assert supervisor.memory_info().rss < 64 * 1024**2
        # Or it would not be the server that is large.
        assert supervised.resident_megabytes > 200

    @pytest.mark.parametrize(
        ("end", "how"),
        [(send_malformed_chunk, "SIGABRT"), (lambda service: kill(service.server_pid), "SIGKILL")],
        ids=["malformed_chunk", "killed"],
    )
    def test_the_next_request_is_answered_and_nothing_is_left_over(
        self, supervised: ServiceProcess, eye_photo: RgbImage, end: Callable[[ServiceProcess], None], how: str
    ) -> None:
        first, before, descriptors = supervised.server_pid, restarts(supervised), open_descriptors(supervised.pid)
        end(supervised)
        wait_for_other_server(supervised, first)
        supervised.wait_for_health(200)

        assert f"server process ended by {how}, restart {before + 1:.0f} in 0.5 s" in supervised.log
        assert supervised.client.post("/upload", json={"image": data_uri(eye_photo)}).status_code == 200
        assert restarts(supervised) == before + 1
        assert open_descriptors(supervised.pid) == descriptors
        assert len(supervised.server_pids) == 1

    def test_a_service_that_ran_is_tried_again_even_when_it_cannot_start(
        self, supervised: ServiceProcess, model: Path
    ) -> None:
        """As while a file is being replaced."""
        elsewhere = model.rename(model.with_suffix(".away"))
        before = supervised.log.count(", restart ")
        kill(supervised.server_pid)
        wait_until(lambda: supervised.log.count(", restart ") == before + 2, "a start that fails")
        elsewhere.rename(model)
        supervised.wait_for_health(200)

        assert "cannot start: MODEL_PATH is wrong" in supervised.log
        assert "server process ended with exit code 1, restart" in supervised.log
        assert "Traceback" not in supervised.log


def test_with_a_log_that_cannot_be_written_it_comes_back_and_stops_all_the_same(tiny_model: Path) -> None:
    """Every write to this file fails as on a full disk, as it does to a pipe that was closed."""
    with ServiceProcess(Path("/dev/full"), PYTHONUNBUFFERED="", MODEL_PATH=str(tiny_model)) as service:
        first = service.server_pid
        kill(first)
        wait_for_other_server(service, first)
        service.wait_for_health(200)
        assert service.stop() == 0
        assert is_port_free(service.port)


def test_a_stop_signal_between_two_server_processes_is_obeyed_at_once(start: Start) -> None:
    with start(wait_until_healthy=False) as service:
        server = None
        for _ in range(MAX_FAILED_STARTS - 1):
            server = wait_for_other_server(service, server)
            kill(server)
        wait_until(lambda: "restart 4 in 4.0 s" in service.log, "the longest pause")
        service.send_signal(signal.SIGTERM)

        assert service.wait() == 0
        assert "SIGTERM: stopped before the restart" in service.log


class TestStopping:
    """With a request in flight that takes a while. How it is let finish: test_lifecycle.py."""

    @pytest.fixture
    def busy(self, start: Start, face: RgbImage) -> Iterator[tuple[ServiceProcess, Callable[[], int]]]:
        """The service, and what gives the status of the request."""
        with start(**LONG) as service, ThreadPoolExecutor(1) as clients:
            url = service.client.base_url.join("/predict")
            answer = clients.submit(httpx.post, url, json=long_request(face), timeout=120)
            service.wait_for_requests_in_flight(1)
            yield service, lambda: answer.result().status_code

    def test_when_the_supervisor_is_killed_the_server_process_answers_stops_and_frees_the_port(
        self, busy: tuple[ServiceProcess, Callable[[], int]]
    ) -> None:
        service, status = busy
        service.send_signal(signal.SIGKILL)

        assert status() == 200
        assert service.wait() == -signal.SIGKILL
        wait_until(lambda: is_port_free(service.port), "a free port")
        wait_until(lambda: service.log.endswith("stopped\n"), "the end of the server process")
        assert "the supervisor is gone" in service.log

    def test_a_second_signal_does_not_wait_for_requests_in_flight(
        self, busy: tuple[ServiceProcess, Callable[[], int]]
    ) -> None:
        service, status = busy
        service.send_signal(signal.SIGTERM)
        wait_until(lambda: "SIGTERM: draining, 1 requests in flight" in service.log, "the first signal")
        service.send_signal(signal.SIGTERM)

        assert service.wait() == 0
        assert "stopping with 1 requests unanswered" in service.log
        with pytest.raises(httpx.TransportError):
            status()

    def test_a_server_process_that_does_not_stop_is_killed_in_the_end(self, start: Start) -> None:
        with start(wait_until_healthy=False, DRAIN_TIMEOUT_S="0") as service:
            os.kill(wait_for_other_server(service, None), signal.SIGSTOP)
            started = time.monotonic()
            service.send_signal(signal.SIGTERM)

            assert service.wait() == 128 + signal.SIGKILL
            assert time.monotonic() - started >= KILL_AFTER_S
            assert "server process ended by SIGKILL while it was stopping" in service.log


def test_without_a_supervisor_the_service_ends_with_its_server_process(start: Start) -> None:
    with start(wait_until_healthy=False, SUPERVISE="false") as service:
        service.wait_for_health(503)
        assert service.server_pid == service.pid
        send_malformed_chunk(service)
        assert service.wait() == -signal.SIGABRT
