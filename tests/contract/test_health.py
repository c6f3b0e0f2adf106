from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import long_request


@pytest.mark.smoke
def test_health_says_what_is_running(client: httpx.Client) -> None:
    answer = client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == 200
    assert answer.json()["message"] == "Healthy"
    assert answer.json()["model"]["classes"] == ["Cataract", "Conjunctivitis", "Healthy", "Stye"]
    assert len(answer.json()["model"]["sha256"]) == 64
    assert answer.json()["model"]["device"]
    assert isinstance(answer.json()["model"]["calibrated"], bool)
    assert answer.json()["version"]


def test_head_has_the_headers_and_no_body(client: httpx.Client) -> None:
    answer = client.head("/health")

    assert answer.status_code == 200
    assert answer.content == b""


def test_live_answers(client: httpx.Client) -> None:
    assert client.get("/live").json() == {"status": 200, "message": "Alive"}


def test_health_does_not_wait_behind_inference(service: ServiceProcess, face: RgbImage) -> None:
    """Five answers in turn, each of which would come after all that was there before, come before all of that."""
    url, body = service.client.base_url.join("/predict"), json.dumps(long_request(face, 10))
    with ThreadPoolExecutor(6) as clients:
        answers = [clients.submit(httpx.post, url, content=body, timeout=120) for _ in range(6)]
        service.wait_for_requests_in_flight(6)
        for _ in range(5):
            assert service.client.get("/health").status_code == 200
        assert not all(answer.done() for answer in answers)


def test_every_answer_carries_a_request_id(client: httpx.Client) -> None:
    assert client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = {client.get("/health").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert client.get("/health", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"
