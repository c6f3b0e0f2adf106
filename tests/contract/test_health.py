from __future__ import annotations

import statistics
import threading
import time

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import frame


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
    """Not a timed test of speed: who waited in the queue would wait as long as the others."""
    enough = threading.Event()
    answers: list[float] = []

    def keep_busy() -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=120) as client:
            while not enough.is_set():
                answers.append(client.post("/predict", json=[frame(face)] * 5).elapsed.total_seconds())

    workers = [threading.Thread(target=keep_busy, daemon=True) for _ in range(6)]
    for worker in workers:
        worker.start()
    time.sleep(1)
    waits = []
    try:
        for _ in range(40):
            waits.append(service.client.get("/health").raise_for_status().elapsed.total_seconds())
            time.sleep(0.02)
    finally:
        enough.set()
    for worker in workers:
        worker.join()

    assert statistics.median(waits) < statistics.median(answers) / 4


def test_every_answer_carries_a_request_id(client: httpx.Client) -> None:
    assert client.get("/health", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = {client.get("/health").headers["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    assert client.get("/health", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"
