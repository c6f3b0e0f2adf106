"""Only the paths that are on the gateway's list come through, each in one spelling, and limits hold for all others."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest

from lab.common.gateway import GATEWAY_FOLDER, GatewayProcess
from lab.common.http import RawConnection, exchange, has_error_shape
from lab.common.waiting import wait_until
from src.api.app import routes_of
from src.api.context import ApiContext
from src.config.settings import Settings
from tests.gateway.test_privacy import has_taken_in, needs_proc
from tests.scripted_backend import ScriptedBackend

_LINE = re.compile(r'^ +"~(\S+)" +(\w+);$', re.MULTILINE)
LISTED: dict[str, str] = dict(_LINE.findall((GATEWAY_FOLDER / "paths.conf").read_text(encoding="utf-8")))
OTHER_SPELLINGS = (
    "/metrics", "/metrics/", "//metrics", "/%6detrics", "/Metrics", "/metrics?x=1", "/metrics/.", "/./metrics",
    "/x/../metrics", "/metrics%2f", "/metrics;x", "/health/../metrics", "/predict/", "/PREDICT", "//predict",
    "/%70redict", "/predict%20", "/upload/", "/upload//", "/upload;x", "/upload;x=1?eye=left", "/./upload",
    "/upload/.", "/upload/..", "/x/../upload", "/upload%2F", "/%2Fupload", "/upload%3Fx", "/upload#x", "/uploads",
    "/upload/x", "/health/", "/live/", "/docs/", "/openapi.json/", "/OPENAPI.JSON", "//", "/.", "/index.html",
    "/assets", "/assets/", "/assets/web", "/assets/web/", "/assets/web/index.html", "/assets/web/main.js/",
    "/assets/web/main.jsx", "/assets/web/mainXjs", "/assets/web//main.js", "/assets/web/../web/main.js",
    "/assets//web/main.js", "/nope", "/work", "/probe", "/page", "/unknown", "/gateway-error", "/gateway%2Derror",
    "/favicon.ico", "/.env", "/*rest", "http://localhost/upload/", "http://localhost/metrics",
)  # fmt: skip


def kind_of(path: str) -> str | None:
    return next((kind for pattern, kind in LISTED.items() if re.search(pattern, path)), None)


@pytest.mark.needs_no_nginx
def test_the_list_has_every_path_of_the_service_but_the_metrics_and_no_other(settings: Settings) -> None:
    paths = {route.path for route in routes_of(ApiContext(settings))}

    assert {path for path in paths if kind_of(path) is None} == {"/metrics"}
    named = [name for pattern in LISTED for name in re.findall(r"[a-z_]+", pattern)]
    assert {name for name in named if not any(name in path for path in paths)} == set()
    assert {path for path in paths if kind_of(path) == "work"} == {"/predict", "/upload"}
    assert {path for path in paths if kind_of(path) == "probe"} == {"/health", "/live"}


def test_each_path_on_the_list_comes_through_as_it_was_sent(
    gateway: GatewayProcess, settings: Settings, fine_backend: ScriptedBackend, tmp_path: Path
) -> None:
    paths = [route.path for route in routes_of(ApiContext(settings)) if route.path != "/metrics"]
    with GatewayProcess(tmp_path, [fine_backend.port]) as in_front:
        before = len(fine_backend.received)
        for path in paths:
            assert in_front.client.get(f"{path}?eye=left&x=%2F").status_code == 200
        received = [request.path for request in fine_backend.received[before:]]
    assert received == [f"{path}?eye=left&x=%2F" for path in paths]
    # And so does what the demo page asks for of the real service.
    files = [path for path in paths if kind_of(path) == "page"]
    assert {path: gateway.client.get(path).status_code for path in files} == dict.fromkeys(files, 200)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
def test_every_other_spelling_is_answered_here_without_a_backend(tmp_path: Path, method: str) -> None:
    # Nothing listens at the backend's port: what was sent there would be 502.
    with GatewayProcess(tmp_path, [1]) as gateway:
        for path in OTHER_SPELLINGS:
            request = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            answer = exchange(gateway.port, request.encode())
            assert answer.status == 404, path
            assert has_error_shape(answer) or method == "HEAD"
        assert gateway.client.get("/live").status_code == 502


def test_a_picture_at_a_misspelt_path_is_told_of_the_path_and_not_of_its_size(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, [1]) as gateway:
        answer = gateway.client.post("/upload/", content=bytes(3_000_000))

    assert (answer.status_code, answer.json()["body"]["code"]) == (404, "not_found")


@needs_proc
@pytest.mark.parametrize("path", ["/nope", "/upload/", "/metrics", "/health", "/assets/web/main.js"])
def test_half_bodies_where_none_belong_hold_nothing(tmp_path: Path, fine_backend: ScriptedBackend, path: str) -> None:
    half = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n".encode() + bytes(1_000_000)
    replaced = {"worker_processes auto": "worker_processes 1"}
    with contextlib.ExitStack() as stack, GatewayProcess(tmp_path, [fine_backend.port], replaced=replaced) as gateway:
        for _ in range(40):
            connection = stack.enter_context(RawConnection(gateway.port))
            with contextlib.suppress(ConnectionError):
                connection.send(half)
            assert connection.reply().status in {404, 413}
        assert not has_taken_in(gateway, 25_000_000)


def test_a_large_body_is_for_the_two_paths_that_work(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    with GatewayProcess(tmp_path, [fine_backend.port]) as gateway:
        statuses = {
            path: gateway.client.post(path, content=bytes(20_000)).status_code
            for path in ("/predict", "/upload", "/health", "/", "/docs")
        }

    assert statuses == {"/predict": 200, "/upload": 200, "/health": 413, "/": 413, "/docs": 413}


@pytest.mark.parametrize("path", ["/nope", "/upload/", "/metrics", "/docs", "/"])
def test_what_does_no_work_has_limits_too(tmp_path: Path, fine_backend: ScriptedBackend, path: str) -> None:
    replaced = {"burst=300": "burst=5", "rate=50r/s": "rate=1r/m"}
    with GatewayProcess(tmp_path, [fine_backend.port], replaced=replaced) as gateway:
        answers = [gateway.client.get(path).status_code for _ in range(12)]
        probes = {gateway.client.get(probe).status_code for probe in ("/live", "/health") for _ in range(12)}
        work = {gateway.client.post("/upload", json={}).status_code for _ in range(12)}

    assert answers[-1] == 429
    assert (probes, work) == ({200}, {200})


def test_a_household_of_ipv6_addresses_is_one_client(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    def upload_from(address: str) -> int:
        headers = {"X-Forwarded-For": address}
        return int(gateway.client.post("/upload", json={}, headers=headers).status_code)

    with GatewayProcess(tmp_path, [fine_backend.port], RATE_PER_ADDRESS="1", TRUSTED_PROXIES="127.0.0.1") as gateway:
        of_one = [upload_from(f"2001:db8:0:a::{number:x}") for number in range(1, 60)]
        assert 429 in of_one
        assert upload_from("2001:db8:0:b::1") == 200
        assert upload_from("203.0.113.7") == 200


def test_a_refused_post_is_told_of_in_the_log_as_a_post(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, [1]) as gateway:
        gateway.client.post("/nope", json={})
        gateway.client.post("/upload", json={})
        wait_until(lambda: gateway.log.count("bytes_in=") >= 3, "line per request")
        log = gateway.log

    for line in ('path="/nope" status=404', 'path="/upload" status=502'):
        assert f"method=POST {line} " in log
