"""Who may send what, before anything is computed: content types, origins of pages, names of the host, spellings."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from lab.common.backend import ServiceProcess
from lab.common.http import exchange
from src.config.settings import ASSETS_DIR
from tests.contract.payloads import assert_error
from tests.html_reader import Reader
from tests.services import Start

ALLOWED = "http://localhost:5173"
KEY = "a-key-of-this-house"
NAME = "eyenet.example.org"
DRAWN_EYE = ASSETS_DIR / "examples" / "drawn_eye.webp"


@pytest.fixture(scope="module")
def strict(start: Start) -> Iterator[ServiceProcess]:
    """A service that has a key, and answers to one name."""
    with start(API_KEYS=KEY, ALLOWED_HOSTS=NAME, CORS_ALLOWED_HEADERS="Content-Type,X-Mine") as process:
        yield process


FORM = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\nAAAA\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *(("/predict", kind) for kind in ("multipart/form-data; boundary=x", "image/png")),
        *((path, kind) for path in ("/predict", "/upload")
          for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/mixed; boundary=x", "a" * 2000)),
    ],
)  # fmt: skip
def test_what_is_not_said_to_be_what_is_read_here_is_refused_before_it_is_looked_at(
    client: httpx.Client, path: str, kind: str
) -> None:
    body = FORM if kind.startswith("multipart") else b"image=%FF&x" if "form" in kind else b'{"image": "AAAA"}'
    answer = client.post(path, content=body, headers={"Content-Type": kind})
    assert_error(answer, 415, "unsupported_content_type")
    assert "send JSON, with Content-Type: application/json" in answer.json()["message"]


def test_a_form_and_a_picture_as_it_is_are_answered_as_json_is(client: httpx.Client) -> None:
    picture = DRAWN_EYE.read_bytes()
    text = {"image": base64.b64encode(picture).decode(), "eye": "right"}
    as_json = client.post("/upload", json=text).json()
    assert as_json["right_eye"]["side_from"] == "caller"
    answers = [
        client.post("/upload", files={"image": ("eye.webp", picture, "image/webp")}, data={"eye": "right"}),
        client.post("/upload", files={"image": (None, text["image"])}, data={"eye": "right"}),
        client.post("/upload?eye=right", content=picture, headers={"Content-Type": "image/webp"}),
        client.post("/upload?eye=right", files={"image": ("a", picture)}, data={"eye": "right"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert all(answer.json() == as_json for answer in answers)
    contradiction = client.post("/upload?eye=left", files={"image": ("a", picture)}, data={"eye": "right"})
    assert_error(contradiction, 400, "invalid_payload")
    assert_error(client.post("/upload", files={"image": ("a.png", b"x")}), 400, "not_a_picture")
    assert_error(client.post("/upload", content=b"x", headers={"Content-Type": "image/png"}), 400, "not_a_picture")


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "Application/JSON; charset=UTF-8"}, {"Content-Type": ""}])
def test_json_of_any_spelling_and_what_says_no_type_is_read(client: httpx.Client, headers: dict[str, str]) -> None:
    assert_error(client.post("/upload", content=b'{"image": "AAAA"}', headers=headers), 400, "not_a_picture")


def test_a_compressed_body_is_told_so(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = client.post("/upload", content=b"\x1f\x8b\x08", headers=headers)
    assert_error(answer, 415, "unsupported_content_type")
    assert "compressed" in answer.json()["message"]


@pytest.mark.parametrize("path", ["/predict", "/upload", "/upload/"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", ""])
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_a_page_of_another_origin_has_nothing_computed(
    service: ServiceProcess, path: str, origin: str, kind: str
) -> None:
    answer = service.client.post(path, content=b"{}", headers={"Origin": origin, "Content-Type": kind})
    assert_error(answer, 403, "origin_not_allowed")
    assert "server-timing" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_pages_of_allowed_origins_and_the_services_own_are_answered(service: ServiceProcess) -> None:
    for origin in (ALLOWED, f"http://127.0.0.1:{service.port}"):
        answer = service.client.post("/upload", json={"image": "AAAA"}, headers={"Origin": origin})
        assert_error(answer, 400, "not_a_picture")
    # Behind something that speaks TLS, with the port that browsers leave out, or as an IPv6 address.
    for host, scheme in ((NAME, "https"), ("[::1]:9000", "http"), ("localhost:9000", "http")):
        headers = {"Host": host, "X-Forwarded-Proto": scheme, "Origin": f"{scheme}://{host}"}
        assert_error(service.client.post("/upload", json={"image": "AAAA"}, headers=headers), 400, "not_a_picture")


@pytest.mark.parametrize("path", ["/live", "/health", "/docs", "/", "/nope", "/metrics", "/live/"])
def test_another_name_is_answered_nowhere(strict: ServiceProcess, path: str) -> None:
    answer = strict.client.get(path, headers={"Host": "evil.example", "X-API-Key": KEY})
    assert_error(answer, 421, "host_not_allowed")
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", [NAME, f"{NAME.upper()}:8000", "127.0.0.1:8000", "10.0.0.7", "[::1]"])
def test_the_services_name_and_its_addresses_are_answered(strict: ServiceProcess, host: str) -> None:
    assert strict.client.get("/live", headers={"Host": host}).status_code == 200


def test_a_probe_that_says_no_name_is_answered(strict: ServiceProcess) -> None:
    assert exchange(strict.port, b"GET /live HTTP/1.0\r\n\r\n").status == 200


def test_the_document_of_a_service_with_a_name_says_what_another_name_is_answered(strict: ServiceProcess) -> None:
    assert "421" in strict.client.get("/openapi.json").json()["paths"]["/live"]["get"]["responses"]


def test_pages_may_send_the_headers_of_the_setting(strict: ServiceProcess, client: httpx.Client) -> None:
    asked = {"Origin": ALLOWED, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-mine"}
    assert strict.client.options("/upload", headers=asked).headers["access-control-allow-headers"] == (
        "Content-Type, X-Mine"
    )
    traced = {**asked, "Access-Control-Request-Headers": "baggage,content-type,sentry-trace,traceparent"}
    allowed = client.options("/upload", headers=traced).headers["access-control-allow-headers"].lower().split(", ")
    assert set(traced["Access-Control-Request-Headers"].split(",")) <= set(allowed)


@pytest.mark.parametrize("end", ["", "/"])
def test_a_slash_at_the_end_changes_nothing(strict: ServiceProcess, end: str) -> None:
    """Robyn takes it away before anybody sees it; the gateway lets no such path through."""
    key = {"X-API-Key": KEY}
    for path in ("/metrics", "/upload", "/predict"):
        method = "GET" if path == "/metrics" else "POST"
        assert strict.client.request(method, path + end).status_code == 401
    large = strict.client.post("/upload" + end, content=bytes(49 * 1024 * 1024), headers=key)
    assert_error(large, 413, "body_too_large")
    counts = strict.client.get("/metrics" + end, headers=key).text
    assert 'route="/upload"' in counts
    assert 'route="/upload/"' not in counts


def test_a_page_at_docs_with_a_slash_has_no_link_that_leads_nowhere(client: httpx.Client) -> None:
    for path in ("/docs", "/docs/"):
        links = Reader(client.get(path).text).references
        assert {link for link in links if not link.startswith(("#", "data:"))} == set()
        assert "#openapi" in links


@pytest.mark.parametrize(
    ("address", "line"),
    [("127.0.0.1", "INFO eyenet.server listening on http://127.0.0.1:{} for this machine only"),
     ("0.0.0.0", "WARNING eyenet.server listening on http://0.0.0.0:{}; keep it behind the gateway")],  # noqa: S104
)  # fmt: skip
def test_the_log_says_at_the_start_who_can_reach_the_service(start: Start, address: str, line: str) -> None:
    with start(LISTEN_ADDRESS=address, wait_until_healthy=False) as process:
        process.wait_for(lambda: line.format(process.port) in process.log, "line at the start")
