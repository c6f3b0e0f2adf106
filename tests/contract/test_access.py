"""With keys, who has none gets nothing but what is open; what he sent is neither looked at nor logged."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import assert_error, data_uri
from tests.services import Start

FIRST, SECOND = "key-of-the-website-2026", "key-of-the-clinic-2026"
WRONG = "key-that-somebody-guessed"
ORIGIN = "http://localhost:5173"


@pytest.fixture(scope="module")
def locked(start: Start) -> Iterator[ServiceProcess]:
    with start(API_KEYS=f"{FIRST},{SECOND}", LOG_LEVEL="DEBUG") as process:
        yield process


@pytest.fixture(scope="module")
def client(locked: ServiceProcess) -> httpx.Client:
    return locked.client


@pytest.mark.parametrize(
    "headers",
    [{"X-API-Key": FIRST}, {"x-api-key": SECOND}, {"Authorization": f"Bearer {FIRST}"}],
    ids=["X-API-Key", "second key", "bearer"],
)
def test_a_key_opens_the_guarded_paths(client: httpx.Client, eye_photo: RgbImage, headers: dict[str, str]) -> None:
    upload = client.post("/upload", json={"image": data_uri(eye_photo)}, headers=headers)
    predict = client.post("/predict", json=[], headers=headers)
    metrics = client.get("/metrics", headers=headers)

    assert upload.status_code == 200
    assert_error(predict, 400, "invalid_payload")
    assert "eyenet_ready 1.0" in metrics.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-API-Key": WRONG},
        {"X-API-Key": FIRST[:-1]},
        {"Authorization": f"Bearer {WRONG}"},
        {"Authorization": f"Basic {FIRST}"},
    ],
    ids=["no key", "wrong key", "nearly a key", "wrong bearer", "another scheme"],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("POST", "/upload"), ("GET", "/metrics")])
def test_without_a_key_the_guarded_paths_are_closed(
    client: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, headers={"Origin": ORIGIN} | headers)

    assert_error(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    # A page has to be able to read why it gets nothing.
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_key_in_the_address_is_no_key(client: httpx.Client) -> None:
    answer = client.post("/predict", params={"api_key": FIRST, "X-API-Key": FIRST}, json=[])
    assert_error(answer, 401, "unauthorized")


def test_head_is_closed_as_get_is(client: httpx.Client) -> None:
    assert client.head("/metrics").status_code == 401
    assert client.head("/metrics", headers={"X-API-Key": FIRST}).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/live"])
def test_probes_need_no_key(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200


def test_what_does_not_exist_does_not_exist_for_anybody(client: httpx.Client) -> None:
    for headers in ({}, {"X-API-Key": FIRST}):
        assert_error(client.get("/nothing", headers=headers), 404, "not_found")
        assert_error(client.get("/predict", headers=headers), 405, "method_not_allowed")


def test_a_preflight_needs_no_key_and_allows_to_send_one(client: httpx.Client) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-api-key",
    }
    answer = client.options("/predict", headers=asked)

    assert answer.status_code == 204
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert set(asked["Access-Control-Request-Headers"].split(",")) <= set(allowed)


@pytest.mark.parametrize("body", [b"not json", b"A" * 60_000_000, b""], ids=["not JSON", "60 MB", "nothing"])
def test_without_a_key_the_body_is_not_looked_at(client: httpx.Client, body: bytes) -> None:
    assert_error(client.post("/upload", content=body), 401, "unauthorized")


def test_no_key_gets_into_the_log_or_the_metrics(locked: ServiceProcess) -> None:
    for headers in ({"X-API-Key": FIRST}, {"X-API-Key": WRONG}, {"Authorization": f"Bearer {SECOND}"}):
        locked.client.post(f"/upload?key={SECOND}", content=b"{", headers=headers)
        locked.client.get(f"/{WRONG}?key={FIRST}", headers=headers)
    page = locked.client.get("/metrics", headers={"X-API-Key": SECOND}).text

    assert 'code="unauthorized"' in page
    assert "code=unauthorized" in locked.log
    for key in (FIRST, SECOND, WRONG):
        assert key not in locked.log
        assert key not in page


def test_what_is_open_by_setting_and_what_the_first_frontend_gets(start: Start) -> None:
    settings = {"API_KEYS": FIRST, "PUBLIC_METRICS": "true", "LEGACY_ENVELOPE": "true"}
    with start(wait_until_healthy=False, **settings) as service:
        service.wait_for_health(503)
        metrics = service.client.get("/metrics")
        refused = service.client.post("/predict", json=[])

    assert metrics.status_code == 200
    assert refused.status_code == 200
    assert refused.json()["status_code"] == 401
    assert '"code":"unauthorized"' in refused.json()["body"]
