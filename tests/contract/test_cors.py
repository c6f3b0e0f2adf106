from __future__ import annotations

import httpx
import pytest

ALLOWED = "http://localhost:5173"
FOREIGN = "https://evil.example"


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:3000"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/health"), ("POST", "/upload"), ("GET", "/nothing")])
def test_an_allowed_origin_is_echoed(client: httpx.Client, origin: str, method: str, path: str) -> None:
    answer = client.request(method, path, headers={"Origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", [FOREIGN, "null", f"{ALLOWED}.evil.example", ALLOWED.upper()])
def test_a_foreign_origin_gets_no_permission(client: httpx.Client, origin: str) -> None:
    for answer in (
        client.get("/health", headers={"Origin": origin}),
        client.options("/predict", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}),
    ):
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["vary"] == "Origin"


def test_a_preflight_is_answered(client: httpx.Client) -> None:
    headers = {
        "Origin": ALLOWED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = client.options("/predict", headers=headers)

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ALLOWED
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
