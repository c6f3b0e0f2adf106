"""With keys, who has none gets nothing but what is open; what he sent is neither looked at nor logged."""

from __future__ import annotations

import re
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
    with start(API_KEYS=f"website:{FIRST},{SECOND}", LOG_LEVEL="DEBUG") as process:
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


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": WRONG}, {"Authorization": f"Basic {FIRST}"}], ids=str)
@pytest.mark.parametrize(("method", "path"), [("POST", "/predict"), ("POST", "/upload"), ("GET", "/metrics")])
def test_without_a_key_the_guarded_paths_are_closed(
    client: httpx.Client, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client.request(method, path, headers={"Origin": ORIGIN} | headers)

    assert_error(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    # A page has to be able to read why it gets nothing.
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_an_address_holds_no_key_head_is_closed_as_get_is_and_probes_are_open(client: httpx.Client) -> None:
    answer = client.post("/predict", params={"api_key": FIRST, "X-API-Key": FIRST}, json=[])
    assert_error(answer, 401, "unauthorized")
    assert client.head("/metrics").status_code == 401
    assert client.head("/metrics", headers={"X-API-Key": FIRST}).status_code == 200
    for path in ("/health", "/live"):
        assert client.get(path).status_code == client.head(path).status_code == 200
    # A preflight brings no key and allows to send one.
    preflight = client.options("/predict", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert preflight.status_code == 204
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "x-api-key"} <= set(allowed)
    for headers in ({}, {"X-API-Key": FIRST}):
        assert_error(client.get("/nothing", headers=headers), 404, "not_found")
        assert_error(client.get("/predict", headers=headers), 405, "method_not_allowed")


def test_no_key_gets_into_the_log_or_the_metrics(locked: ServiceProcess) -> None:
    for headers in ({"X-API-Key": FIRST}, {"X-API-Key": WRONG}, {"Authorization": f"Bearer {SECOND}"}):
        locked.client.post(f"/upload?key={SECOND}", content=b"{", headers=headers)
        locked.client.get(f"/{WRONG}?key={FIRST}", headers=headers)
    page = locked.client.get("/metrics", headers={"X-API-Key": SECOND}).text

    assert 'code="unauthorized"' in page
    assert "code=unauthorized" in locked.log
    assert re.search(r"path=/upload .* key=website\n", locked.log)
    for key in (FIRST, SECOND, WRONG):
        assert key not in locked.log
        assert key not in page
