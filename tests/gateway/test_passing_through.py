from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.common.backend import ServiceProcess
from lab.common.gateway import GatewayProcess
from lab.common.waiting import wait_until
from src.core.types import RgbImage
from tests.contract.payloads import data_uri
from tests.scripted_backend import Reply, ScriptedBackend, fine, refuses

ALLOWED = "http://localhost:5173"


def test_an_upload_and_a_preflight_are_answered_as_without_the_gateway_with_all_headers_once(
    gateway: GatewayProcess, service: ServiceProcess, eye_photo: RgbImage
) -> None:
    request: dict[str, Any] = {
        "json": {"image": data_uri(eye_photo)},
        "headers": {"Origin": ALLOWED, "X-Request-ID": "mine-1"},
    }
    through, direct = gateway.client.post("/upload", **request), service.client.post("/upload", **request)

    assert through.status_code == direct.status_code == 200
    assert through.json() == direct.json()
    for name in ("access-control-allow-origin", "access-control-expose-headers", "vary", "x-request-id"):
        assert through.headers.get_list(name) == direct.headers.get_list(name) != []
    assert "server-timing" in through.headers
    assert through.headers.get_list("x-content-type-options") == ["nosniff"]
    assert through.headers["server"] == "nginx"
    asked = {"Origin": ALLOWED, "Access-Control-Request-Method": "POST"}
    preflight = gateway.client.options("/predict", headers=asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, ALLOWED)
    assert "POST" in preflight.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/predict", 405, "method_not_allowed"), ("POST", "/predict", 400, "invalid_json"),
     ("POST", "/assets/web/main.js", 405, "method_not_allowed")],
)  # fmt: skip
def test_errors_of_the_service_pass_unchanged(
    gateway: GatewayProcess, service: ServiceProcess, method: str, path: str, status: int, code: str
) -> None:
    through, direct = gateway.client.request(method, path), service.client.request(method, path)

    assert (through.status_code, through.json()["body"]["code"]) == (status, code)
    assert through.json() == direct.json()
    assert through.headers.get("allow") == direct.headers.get("allow")


@pytest.mark.parametrize(
    ("status", "code", "header"),
    [(401, "unauthorized", ("WWW-Authenticate", "Bearer")), (503, "busy", ("Retry-After", "7")),
     (500, "internal_error", ("X-Request-ID", "of-the-backend"))],
)  # fmt: skip
def test_errors_of_a_service_in_trouble_pass_unchanged_too(
    tmp_path: Path, status: int, code: str, header: tuple[str, str]
) -> None:
    with (
        ScriptedBackend(refuses(status, code, **{header[0]: header[1]})) as backend,
        GatewayProcess(tmp_path, [backend.port]) as gateway,
    ):
        answer = gateway.client.post("/upload", json={})

    assert (answer.status_code, answer.json()["body"]["code"]) == (status, code)
    assert answer.headers[header[0]] == header[1]


def test_the_service_learns_who_asked(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    with GatewayProcess(tmp_path, [fine_backend.port]) as gateway:
        gateway.client.get("/health", headers={"X-Forwarded-For": "203.0.113.9", "X-API-Key": "secret"})
        received = fine_backend.received[-1]

    # The last address is the one that the gateway saw; what stands before it is the client's word.
    assert received.headers["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert received.headers["x-forwarded-proto"] == "http"
    assert received.headers["host"] == f"127.0.0.1:{gateway.port}"
    assert received.headers["x-api-key"] == "secret"


def test_a_request_without_an_id_is_given_one(tmp_path: Path) -> None:
    echo = ScriptedBackend(lambda request: Reply(headers={"X-Request-ID": request.headers["x-request-id"]}))
    with echo as backend, GatewayProcess(tmp_path, [backend.port]) as gateway:
        kept = gateway.client.get("/health", headers={"X-Request-ID": "mine-1"})
        made = gateway.client.get("/health")
        replaced = gateway.client.get("/health", headers={"X-Request-ID": 'id" status=200'})
        # nginx writes the line when the answer is gone already.
        wait_until(lambda: gateway.log.count('path="/health"') == 3, "line per request")
        log = gateway.log

    assert kept.headers["x-request-id"] == "mine-1"
    assert len(made.headers["x-request-id"]) == len(replaced.headers["x-request-id"]) == 32
    for answer in (kept, made, replaced):
        assert f"id={answer.headers['x-request-id']} " in log


def test_connections_to_the_backend_are_kept(tmp_path: Path) -> None:
    with (
        ScriptedBackend(fine) as backend,
        GatewayProcess(tmp_path, [backend.port], replaced={"worker_processes auto": "worker_processes 1"}) as gateway,
    ):
        for _ in range(5):
            # A new connection of the client each time.
            assert httpx.get(f"http://127.0.0.1:{gateway.port}/health").status_code == 200
        assert {request.connection for request in backend.received} == {1}


def test_a_chunked_body_reaches_the_backend_whole_and_with_its_length(tmp_path: Path) -> None:
    with ScriptedBackend(fine) as backend, GatewayProcess(tmp_path, [backend.port]) as gateway:
        gateway.client.post("/upload", content=(b"a" * 100_000 for _ in range(30)))

    assert backend.received[-1].body == b"a" * 3_000_000
