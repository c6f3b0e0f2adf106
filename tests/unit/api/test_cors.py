"""Exactly the allowed origins are let in, one echoed."""

from __future__ import annotations

import pytest

from src.api.cors import CorsPolicy
from src.core.errors import OriginNotAllowed

HEADERS = ("Content-Type", "baggage")
OURS, OTHER = "https://app.example.org", "http://localhost:5173"
FOREIGN = [
    None,
    "",
    "null",
    "*",
    "https://evil.example",
    "http://app.example.org",
    OURS + ":443",
    OURS + "/",
    OURS + ".evil.example",
    f"{OURS}, {OTHER}",
    OURS.upper(),
]


@pytest.fixture
def policy() -> CorsPolicy:
    return CorsPolicy((OURS, OTHER), HEADERS)


@pytest.mark.parametrize("origin", [OURS, OTHER])
def test_an_allowed_origin_is_echoed_alone(policy: CorsPolicy, origin: str) -> None:
    assert policy.headers(origin)["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_origin_gets_no_permission(policy: CorsPolicy, origin: str | None) -> None:
    assert policy.headers(origin) == {"Vary": "Origin"}
    assert policy.preflight_headers(origin, "POST, OPTIONS") == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [OURS, "https://evil.example", None])
def test_caches_are_told_that_answers_differ_by_origin(policy: CorsPolicy, origin: str | None) -> None:
    assert policy.headers(origin)["Vary"] == "Origin"
    assert policy.preflight_headers(origin, "POST")["Vary"] == "Origin"


def test_a_page_may_read_the_headers_that_it_needs(policy: CorsPolicy) -> None:
    exposed = policy.headers(OURS)["Access-Control-Expose-Headers"].split(", ")
    assert {"X-Request-ID", "Retry-After", "Server-Timing"} <= set(exposed)


def test_a_page_may_measure_with_the_times_that_it_is_told(policy: CorsPolicy) -> None:
    assert policy.headers(OURS)["Timing-Allow-Origin"] == OURS


def test_a_preflight_says_what_is_allowed_and_for_how_long(policy: CorsPolicy) -> None:
    headers = policy.preflight_headers(OURS, "POST, OPTIONS")
    assert headers["Access-Control-Allow-Methods"] == "POST, OPTIONS"
    assert headers["Access-Control-Allow-Headers"] == "Content-Type, baggage"
    assert int(headers["Access-Control-Max-Age"]) > 0


def test_cookies_are_never_asked_for(policy: CorsPolicy) -> None:
    assert "Access-Control-Allow-Credentials" not in policy.preflight_headers(OURS, "POST")


def test_without_allowed_origins_nobody_is_let_in() -> None:
    assert CorsPolicy((), HEADERS).headers(OURS) == {"Vary": "Origin"}


def may_send(policy: CorsPolicy, **headers: str) -> bool:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        policy.check(named.get)
    except OriginNotAllowed:
        return False
    return True


@pytest.mark.parametrize("host", ["eyenet.example", "localhost:8000"])
def test_whoever_is_no_page_and_pages_of_allowed_origins_may_send(policy: CorsPolicy, host: str) -> None:
    assert may_send(policy, host=host)
    assert may_send(policy, host=host, origin=OURS)
    assert may_send(policy, host=host, origin=OTHER)


@pytest.mark.parametrize("origin", [origin for origin in FOREIGN if origin is not None])
def test_pages_of_other_origins_may_not(policy: CorsPolicy, origin: str) -> None:
    assert not may_send(policy, host="eyenet.example", origin=origin)
    assert not may_send(policy, origin=origin)


@pytest.mark.parametrize(
    ("host", "scheme", "origin"),
    [
        ("eyenet.example", None, "http://eyenet.example"),
        ("EyeNet.Example", None, "http://eyenet.example"),
        ("eyenet.example:80", None, "http://eyenet.example"),
        ("eyenet.example:8000", None, "http://eyenet.example:8000"),
        ("eyenet.example:8000", "http", "http://eyenet.example:8000"),
        ("eyenet.example", "https", "https://eyenet.example"),
        ("eyenet.example:443", "https", "https://eyenet.example"),
        ("eyenet.example", "HTTPS, http", "https://eyenet.example"),
        ("127.0.0.1:8000", None, "http://127.0.0.1:8000"),
        ("[::1]:8000", None, "http://[::1]:8000"),
        ("[2001:DB8::1]", "https", "https://[2001:db8::1]"),
    ],
)
def test_the_services_own_page_may_send(policy: CorsPolicy, host: str, scheme: str | None, origin: str) -> None:
    told = {} if scheme is None else {"x_forwarded_proto": scheme}
    assert may_send(policy, host=host, origin=origin, **told)
    for other in (origin + "0", origin[:-1], origin.replace("http", "ftp"), origin.upper(), "null"):
        assert not may_send(policy, host=host, origin=other, **told)


@pytest.mark.parametrize(
    ("host", "scheme", "origin"),
    [
        ("eyenet.example", "https", "http://eyenet.example"),
        ("eyenet.example", "http", "https://eyenet.example"),
        ("eyenet.example:443", "http", "http://eyenet.example"),
        ("eyenet.example:8000", "http", "http://eyenet.example"),
        ("eyenet.example", "http", "http://evil.example"),
    ],
)
def test_another_scheme_or_port_is_another_origin(policy: CorsPolicy, host: str, scheme: str, origin: str) -> None:
    assert not may_send(policy, host=host, x_forwarded_proto=scheme, origin=origin)
