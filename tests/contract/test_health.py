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
    assert answer.json()["model"]["calibrated"] is True
    assert answer.json()["version"]
    head = client.head("/health")
    assert (head.status_code, head.content) == (200, b"")


def test_health_does_not_wait_behind_inference(service: ServiceProcess, face: RgbImage) -> None:
    """Five answers in turn, each of which would come after all that was there before, come before all of that."""
    url, body = service.client.base_url.join("/predict"), json.dumps(long_request(face, 10))
    with ThreadPoolExecutor(6) as clients:
        answers = [clients.submit(httpx.post, url, content=body, timeout=120) for _ in range(6)]
        service.wait_for_requests_in_flight(6)
        for _ in range(5):
            assert service.client.get("/health").status_code == 200
        assert not all(answer.done() for answer in answers)
