from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lab.common.backend import ServiceProcess
from lab.common.gateway import UNLIMITED, GatewayProcess
from lab.common.waiting import wait_until
from src.core.types import RgbImage
from tests.contract.payloads import long_request
from tests.scripted_backend import Received, Reply, Script, ScriptedBackend, dies, fine, refuses
from tests.services import Start

BUSY = refuses(503, "busy", **{"Retry-After": "7"})


@pytest.fixture(scope="module")
def steady(start: Start) -> Iterator[ServiceProcess]:
    with start(SUPERVISE="false") as process:
        yield process


@pytest.fixture
def doomed(start: Start) -> Iterator[ServiceProcess]:
    """A real service that the test may kill; with one worker, so that it has work to be killed at."""
    with start(SUPERVISE="false", WORKER_THREADS="1") as process:
        yield process


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_no_answer_is_lost_when_one_of_two_backends_goes(
    tmp_path: Path, steady: ServiceProcess, doomed: ServiceProcess, face: RgbImage, death: signal.Signals
) -> None:
    body = long_request(face, 8)
    with (
        GatewayProcess(tmp_path / "gateway", [steady.port, doomed.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
        ThreadPoolExecutor(12) as clients,
    ):
        answers: list[Future[httpx.Response]] = [
            clients.submit(gateway.client.post, "/predict", json=body) for _ in range(12)
        ]
        wait_until(lambda: doomed.client.get("/health").json()["requests_in_flight"] > 1, "work at the doomed one")
        doomed.send_signal(death)
        answers += [clients.submit(gateway.client.post, "/predict", json=body) for _ in range(6)]
        assert [answer.result().status_code for answer in answers] == [200] * 18
        doomed.wait()
        # Both are tried in turn, so that some of these meet the dead one first.
        assert [gateway.client.post("/predict", json=body).status_code for _ in range(4)] == [200] * 4
        log = gateway.log

    if death is signal.SIGKILL:
        assert f'backend="127.0.0.1:{doomed.port}, 127.0.0.1:{steady.port}" backend_status="502, 200"' in log


@pytest.mark.parametrize("first", [BUSY, refuses(502, "bad_gateway"), dies], ids=["busy", "bad_gateway", "dies"])
def test_another_backend_gets_the_whole_request(tmp_path: Path, first: Script) -> None:
    body = bytes(range(256)) * 4096
    with ScriptedBackend(first) as failing, ScriptedBackend(fine) as other:
        with GatewayProcess(tmp_path, [failing.port, other.port]) as gateway:
            answers = [gateway.client.post("/upload", content=body) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [200] * 6
        assert failing.received
        assert all(request.body == body for request in other.received)


def test_when_all_are_busy_the_last_word_is_theirs(tmp_path: Path) -> None:
    with ScriptedBackend(BUSY) as one, ScriptedBackend(BUSY) as other:
        with GatewayProcess(tmp_path, [one.port, other.port]) as gateway:
            answers = [gateway.client.post("/upload", json={}) for _ in range(20)]

        # No backend is put aside for having been busy: each request asks both.
        assert len(one.received) == len(other.received) == 20
    assert {(answer.status_code, answer.json()["body"]["code"]) for answer in answers} == {(503, "busy")}
    assert {answer.headers["retry-after"] for answer in answers} == {"7"}


def test_a_request_that_kills_backends_kills_two_at_most(tmp_path: Path) -> None:
    with ScriptedBackend(dies) as a, ScriptedBackend(dies) as b, ScriptedBackend(dies) as c:
        with GatewayProcess(tmp_path, [a.port, b.port, c.port]) as gateway:
            answer = gateway.client.post("/upload", json={})

        assert len(a.received) + len(b.received) + len(c.received) == 2
    assert (answer.status_code, answer.json()["body"]["code"]) == (502, "bad_gateway")
    assert answer.headers["retry-after"] == "1"


def test_bad_requests_and_bugs_are_not_tried_elsewhere(tmp_path: Path) -> None:
    for number, status in enumerate((400, 401, 413, 500)):
        with ScriptedBackend(refuses(status, "code")) as a, ScriptedBackend(refuses(status, "code")) as b:
            with GatewayProcess(tmp_path / str(number), [a.port, b.port]) as gateway:
                assert gateway.client.post("/upload", json={}).status_code == status
            assert len(a.received) + len(b.received) == 1


def test_a_request_that_ran_out_of_time_is_not_tried_at_another_backend(tmp_path: Path) -> None:
    late = refuses(503, "timed_out", **{"Retry-After": "7"})

    with ScriptedBackend(_after(late, seconds=1.5)) as a, ScriptedBackend(_after(late, seconds=1.5)) as b:
        replaced = {"proxy_next_upstream_timeout 45s": "proxy_next_upstream_timeout 1s"}
        with GatewayProcess(tmp_path, [a.port, b.port], replaced=replaced) as gateway:
            answer = gateway.client.post("/upload", json={})

        assert len(a.received) + len(b.received) == 1
    assert answer.json()["body"]["code"] == "timed_out"


def test_a_gateway_that_is_told_to_quit_finishes_what_it_has(tmp_path: Path) -> None:
    with (
        ScriptedBackend(_after(fine, seconds=1.5)) as backend,
        GatewayProcess(tmp_path, [backend.port]) as gateway,
        ThreadPoolExecutor(1) as client,
    ):
        answer = client.submit(gateway.client.post, "/upload", json={})
        wait_until(lambda: bool(backend.received), "request at the backend")
        assert gateway.stop(signal.SIGQUIT) == 0
        assert answer.result().status_code == 200


def _after(script: Script, seconds: float) -> Script:
    def wait_and_answer(request: Received) -> Reply | None:
        time.sleep(seconds)
        return script(request)

    return wait_and_answer
