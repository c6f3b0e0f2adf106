"""A share of what `make chaos` does, in seconds: whatever is sent to the port, the service behind it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings

from lab.chaos.attacks import (
    GARBAGE,
    LARGE_HEADERS,
    MALFORMED_CHUNKS,
    SMUGGLING,
    Conditions,
    Observed,
    hold_half_requests,
    send_each,
    send_large_bodies,
    smuggle,
)
from lab.chaos.mutated_requests import HttpRequest, requests
from lab.chaos.routes import judge
from lab.common.backend import ServiceProcess
from lab.common.gateway import GatewayProcess
from src.core.types import RgbImage
from tests.contract.payloads import REPEATABLE, data_uri


@pytest.fixture
def good(gateway: GatewayProcess, service: ServiceProcess, eye_photo: RgbImage) -> Callable[[], httpx.Response]:
    """A good request, to be sent beside an attack or after it."""
    body = {"image": data_uri(eye_photo)}

    def send() -> httpx.Response:
        answer = gateway.client.post("/upload", json=body)
        assert answer.status_code == 200
        assert service.client.get("/health").status_code == 200
        return answer

    return send


@pytest.mark.parametrize(
    "messages", [MALFORMED_CHUNKS, GARBAGE, LARGE_HEADERS], ids=["malformed_chunks", "garbage", "large_headers"]
)
def test_what_is_no_request_is_refused_in_our_shape(
    gateway: GatewayProcess, good: Callable[[], httpx.Response], messages: Sequence[bytes]
) -> None:
    observed = Observed()
    send_each(gateway.port, messages, observed)

    assert observed.tries == len(messages)
    assert observed.other_shapes == 0
    assert "200" not in observed.answers
    good()


def test_a_request_hidden_in_another_is_never_answered(
    gateway: GatewayProcess, good: Callable[[], httpx.Response]
) -> None:
    observed = Observed()
    smuggle(gateway.port, observed)

    assert observed.tries == len(SMUGGLING)
    assert observed.smuggled == 0
    good()


@pytest.mark.parametrize(
    "opening", [b"", b"POST /upload HTTP/1.1\r\nHost: localhost\r\nX-Half: "], ids=["idle", "half"]
)
def test_hundreds_of_silent_connections_are_in_nobodys_way(
    gateway: GatewayProcess, good: Callable[[], httpx.Response], opening: bytes
) -> None:
    with hold_half_requests(gateway.port, opening, 400):
        assert [good().status_code for _ in range(3)] == [200] * 3


def test_200_megabytes_reach_no_backend(
    gateway: GatewayProcess, service: ServiceProcess, good: Callable[[], httpx.Response]
) -> None:
    good()
    before = service.resident_megabytes
    observed = send_large_bodies(Conditions(gateway.port, seconds=0.1, good_body=Path(), large_body_mb=200))

    assert observed.answers == {"413": 2}
    assert observed.other_shapes == 0
    good()
    assert service.resident_megabytes - before < 50


@pytest.mark.parametrize("examples", [10, pytest.param(80, marks=pytest.mark.chaos)])
def test_mutated_requests_have_answers_of_our_shape(
    gateway: GatewayProcess, good: Callable[[], httpx.Response], examples: int
) -> None:
    @settings(max_examples=examples, **REPEATABLE)
    @given(requests(with_multipart=True))
    def send(request: HttpRequest) -> None:
        _status, problem = judge(gateway.port, request)
        assert problem is None

    send()
    good()
