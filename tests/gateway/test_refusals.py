from __future__ import annotations

import contextlib
from pathlib import Path

import httpx
import pytest

from lab.common.backend import ServiceProcess
from lab.common.gateway import GATEWAY_FOLDER, GatewayProcess
from lab.common.http import RawConnection
from src.api.schemas import ErrorAnswer
from src.config.settings import ASSETS_DIR
from tests.scripted_backend import ScriptedBackend

ALLOWED = "http://localhost:5173"
MEBIBYTE = 1024 * 1024
DRAWN_EYE = ASSETS_DIR / "examples" / "drawn_eye.webp"


def assert_is_our_error(answer: httpx.Response, status: int, code: str) -> None:
    """The one shape: status, code and sentence, and the headers that go with it."""
    error = ErrorAnswer.model_validate_json(answer.content)
    assert answer.status_code == error.status_code == status
    assert error.body.code == code
    assert error.message == error.body.error
    assert error.message.endswith(".")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["vary"] == "Origin"
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_of_the_largest_size_passes_and_one_byte_more_does_not(
    tmp_path: Path, fine_backend: ScriptedBackend
) -> None:
    with GatewayProcess(tmp_path, [fine_backend.port]) as gateway:
        assert gateway.client.post("/upload", content=bytes(48 * MEBIBYTE)).status_code == 200
        answer = gateway.client.post("/upload", content=bytes(48 * MEBIBYTE + 1))

    assert_is_our_error(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", f"{ALLOWED}.evil.example", ALLOWED.upper(), f"{ALLOWED},http://localhost:3000",
     f"x|{ALLOWED}", ALLOWED[:-1], "http://localhostX5173", ""],
)  # fmt: skip
def test_a_foreign_page_cannot_read_the_gateways_answers(gateway: GatewayProcess, origin: str) -> None:
    answer = gateway.client.get("/metrics", headers={"Origin": origin})

    assert answer.status_code == 404
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-expose-headers" not in answer.headers
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        ("https://a.example, https://b.example", "https://b.example", True),
        (" https://a.example ,https://b.example", "https://a.example", True),
        ("https://a.example", "https://aXexample", False),
        ("", "https://a.example", False),
    ],
)
def test_the_origins_come_from_the_setting(tmp_path: Path, allowed: str, origin: str, is_allowed: bool) -> None:
    with GatewayProcess(tmp_path, [1], ALLOWED_ORIGINS=allowed) as gateway:
        answer = gateway.client.get("/metrics", headers={"Origin": origin})

    assert answer.headers.get("access-control-allow-origin") == (origin if is_allowed else None)


@pytest.mark.parametrize(
    "malformed",
    [
        b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: many\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /upload HTTP/1.1\r\nHost a\r\n\r\n",
        b"POST /upload HTTP/1.1\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
    ids=["chunk", "length", "length_and_chunks", "header", "no_host", "request_line"],
)
def test_malformed_requests_are_answered_here_and_the_service_lives(
    gateway: GatewayProcess, service: ServiceProcess, malformed: bytes
) -> None:
    with RawConnection(gateway.port) as connection:
        connection.send(malformed)
        answer = connection.answer()

    assert_is_our_error(answer, 400, "bad_request")
    assert service.client.get("/health").status_code == 200


def test_too_long_headers_and_addresses_are_refused(gateway: GatewayProcess) -> None:
    assert_is_our_error(gateway.client.get("/health", headers={"X-Long": "a" * 20_000}), 431, "bad_request")
    assert_is_our_error(gateway.client.get("/" + "a" * 20_000), 414, "bad_request")


def test_a_form_comes_to_the_service_as_it_was_sent(gateway: GatewayProcess) -> None:
    """Robyn would lose the names of its parts."""
    picture = DRAWN_EYE.read_bytes()
    parts = [("note", ("a.png", b"x", "image/png")), ("image", ("a.png", picture, "image/webp"))]
    answer = gateway.client.post("/upload", files=parts, data={"eye": "right"})
    assert answer.status_code == 200
    assert answer.json()["right_eye"]["side_from"] == "caller"
    answer = gateway.client.post("/predict", files=parts)
    assert (answer.status_code, answer.json()["body"]["code"]) == (415, "unsupported_content_type")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("multipart/form-data; boundary=x", "invalid_payload"),
        ("Multipart/Form-Data", "invalid_payload"),
        ("multipart/form-data;", "invalid_payload"),
        ("multipart/mixed; boundary=x", "unsupported_content_type"),
        ("x multipart/form-data; boundary=x", "unsupported_content_type"),
    ],
)
@pytest.mark.parametrize("size", [1, MEBIBYTE])
def test_a_form_that_the_server_behind_cannot_read_is_told_what_is_wrong(
    gateway: GatewayProcess, kind: str, code: str, size: int
) -> None:
    answer = gateway.client.post("/upload", content=bytes(size), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["body"]["code"]) == (400 if code == "invalid_payload" else 415, code)


@pytest.mark.parametrize("path", ["/health", "/live", "/docs", "/", "/assets/web/main.js"])
def test_where_nothing_is_read_a_form_is_as_good_as_any_body(gateway: GatewayProcess, path: str) -> None:
    answer = gateway.client.post(path, content=b"{}", headers={"Content-Type": "multipart/form-data"})
    assert (answer.status_code, answer.json()["body"]["code"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("types", [["application/json", "multipart/form-data"], ["multipart/form-data", "text/plain"]])
def test_of_several_types_the_backend_sees_the_one_that_was_looked_at(
    gateway: GatewayProcess, types: list[str]
) -> None:
    headers = [("Content-Type", kind) for kind in types]
    for path in ("/upload", "/health"):
        assert gateway.client.post(path, content=b"{}", headers=headers).status_code in {400, 405, 415}


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "FOO"])
def test_methods_that_no_path_has_are_refused_here(gateway: GatewayProcess, method: str) -> None:
    for path in ("/upload", "/health", "/nope"):
        assert_is_our_error(gateway.client.request(method, path), 405, "method_not_allowed")


def test_a_transfer_coding_that_is_not_read_is_named(gateway: GatewayProcess) -> None:
    with RawConnection(gateway.port) as connection:
        connection.send(
            b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        )
        answer = connection.answer()
    assert_is_our_error(answer, 501, "bad_request")
    assert "transfer coding" in answer.json()["message"]


def test_a_backend_that_is_away_is_a_bad_gateway(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, [1]) as gateway:
        answer = gateway.client.post("/upload", json={}, headers={"Origin": ALLOWED})

    assert_is_our_error(answer, 502, "bad_gateway")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert "Retry-After" in answer.headers["access-control-expose-headers"]


def test_a_backend_that_never_answers_is_a_timeout(tmp_path: Path) -> None:
    with (
        RawConnection.listening() as silent,
        GatewayProcess(tmp_path, [silent], replaced={"proxy_read_timeout 75s": "proxy_read_timeout 1s"}) as gateway,
    ):
        answer = gateway.client.post("/upload", json={})

    assert_is_our_error(answer, 504, "gateway_timeout")
    assert answer.headers["retry-after"] == "5"


def test_who_asks_too_often_is_told_to_wait(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    with GatewayProcess(tmp_path, [fine_backend.port], RATE_PER_ADDRESS="1") as gateway:
        answers = [gateway.client.post("/upload", json={}, headers={"Origin": ALLOWED}) for _ in range(60)]
        large = [gateway.client.post("/upload", content=bytes(MEBIBYTE)) for _ in range(10)]
        probes = [gateway.client.get(path).status_code for path in ("/live", "/health") for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code != 200]

    # The burst of 40, one more, and one for each second that the loop took.
    assert [answer.status_code for answer in answers[:41]] == [200] * 41
    assert refused
    assert_is_our_error(refused[0], 429, "rate_limited")
    assert_is_our_error(next(answer for answer in large if answer.status_code != 200), 429, "rate_limited")
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].headers["access-control-allow-origin"] == ALLOWED
    assert set(probes) == {200}


@pytest.mark.parametrize(
    ("replaced", "places"),
    [({}, 32), ({"limit_conn requests_at_once 128": "limit_conn requests_at_once 3"}, 3)],
    ids=["of_one_address", "altogether"],
)
def test_only_so_many_requests_have_a_place_at_once(
    tmp_path: Path, fine_backend: ScriptedBackend, replaced: dict[str, str], places: int
) -> None:
    with (
        contextlib.ExitStack() as connections,
        GatewayProcess(tmp_path, [fine_backend.port], replaced=replaced) as gateway,
    ):
        waiting = [connections.enter_context(RawConnection(gateway.port)) for _ in range(places)]
        for connection in waiting:
            connection.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            # Now it is counted.
            assert connection.header() == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert_is_our_error(gateway.client.post("/upload", json={}), 429, "rate_limited")
        assert gateway.client.get("/health").status_code == 200
        for connection in waiting:
            connection.send(b"{}")
        assert [connection.answer().status_code for connection in waiting] == [200] * places
        assert gateway.client.post("/upload", json={}).status_code == 200


def test_every_code_is_documented() -> None:
    errors = (GATEWAY_FOLDER / "errors.conf").read_text(encoding="utf-8")
    table = errors[errors.index("$error_code {") : errors.index("}", errors.index("$error_code {"))]
    codes = {line.split()[1].rstrip(";") for line in table.splitlines()[1:] if line.strip()}
    page = (GATEWAY_FOLDER / "README.md").read_text(encoding="utf-8")

    assert {code for code in codes if f"`{code}`" not in page} == set()
