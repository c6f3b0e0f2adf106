"""Exactly the allowed origins are let in, one echoed."""

from __future__ import annotations

import pytest

from src.api.cors import CorsPolicy

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
    return CorsPolicy((OURS, OTHER))


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
    allowed = headers["Access-Control-Allow-Headers"].split(", ")
    assert {"Content-Type", "X-Request-ID", "X-API-Key", "Authorization"} <= set(allowed)
    assert int(headers["Access-Control-Max-Age"]) > 0


def test_cookies_are_never_asked_for(policy: CorsPolicy) -> None:
    assert "Access-Control-Allow-Credentials" not in policy.preflight_headers(OURS, "POST")


def test_without_allowed_origins_nobody_is_let_in() -> None:
    assert CorsPolicy(()).headers(OURS) == {"Vary": "Origin"}
