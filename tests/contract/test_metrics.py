"""What operators and browsers see of the service's times and counts."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.core.stage_times import Stage
from src.core.types import RgbImage
from tests.contract.payloads import frame, gauge, scrape, value

ALLOWED = "http://localhost:5173"


def stages_of(answer: httpx.Response) -> dict[str, float]:
    """Milliseconds by stage, as Server-Timing tells them."""
    entries = answer.headers["server-timing"].split(", ")
    matches = [re.fullmatch(r"([a-z]+);dur=(\d+\.\d)", entry) for entry in entries]
    assert all(matches)
    return {match[1]: float(match[2]) for match in matches if match}


@pytest.mark.smoke
def test_the_page_is_text_that_prometheus_reads(client: httpx.Client) -> None:
    answer = client.get("/metrics")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["x-request-id"]
    assert "server-timing" not in answer.headers
    assert gauge(scrape(client), "eyenet_ready") == 1


def test_what_was_sent_is_counted(client: httpx.Client, face: RgbImage) -> None:
    before = scrape(client)
    for _ in range(2):
        assert client.post("/predict", json=[frame(face)] * 2).status_code == 200
    after = scrape(client)

    def grown(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("eyenet_requests_total", route="/predict", method="POST", status="200", code="-") == 2
    assert grown("eyenet_request_duration_seconds_count", route="/predict", status="200") == 2
    assert grown("eyenet_request_duration_seconds_bucket", route="/predict", status="200", le="+Inf") == 2
    assert grown("eyenet_request_duration_seconds_sum", route="/predict", status="200") > 0
    for stage in Stage:
        assert grown("eyenet_stage_duration_seconds_count", route="/predict", stage=stage.value) == 2
    # Two eyes in each of two frames, twice; how many of them share a pass is a setting.
    assert grown("eyenet_batch_size_sum") == 8
    assert 1 <= grown("eyenet_batch_size_count") <= 8
    # Of each request, what is said of its two eyes.
    answers = [
        grown("eyenet_answers_total", route="/predict", verdict=verdict, inconclusive=inconclusive)
        for verdict in ("Cataract", "Conjunctivitis", "Healthy", "Stye")
        for inconclusive in ("true", "false")
    ]
    assert sum(answers) == grown("eyenet_confidence_count") == 4
    assert gauge(after, "eyenet_requests_in_flight") == 0
    assert gauge(after, "eyenet_queue_length") == 0


def test_no_text_of_a_user_gets_into_a_label(client: httpx.Client) -> None:
    text = "text-of-a-user"
    headers = {"X-Request-ID": text, "Origin": f"https://{text}.example", "User-Agent": text}
    labels = {"route": "other", "method": "GET", "status": "404", "code": "not_found"}
    before = value(scrape(client), "eyenet_requests_total", **labels)
    client.get(f"/{text}?{text}={text}", headers=headers)
    assert value(scrape(client), "eyenet_requests_total", **labels) == before + 1
    client.request("TEXTOFAUSER", f"/predict/{text}", headers=headers)
    client.post("/upload", json={"image": text, text: text}, headers=headers)

    assert not re.search(f"{text}|textofauser", client.get("/metrics").text, re.IGNORECASE)
    routes = {labels["route"] for _, pairs in scrape(client) if "route" in (labels := dict(pairs))}
    pages = {"/", "/assets/web", "/docs", "/openapi.json"}
    assert routes <= {"/predict", "/upload", "/health", "/live", "/metrics", "other"} | pages


def test_the_model_of_the_page_is_the_model_of_the_answers(client: httpx.Client) -> None:
    health = client.get("/health").json()
    (labels,) = (dict(labels) for name, labels in scrape(client) if name == "eyenet_model_info")

    assert health["model"]["sha256"].startswith(labels["hash"])
    assert len(labels["hash"]) == 12
    for field in ("name", "device", "tensorflow"):
        assert labels[field] == health["model"][field]
    assert labels["precision"]
    assert value(scrape(client), "eyenet_build_info", version=health["version"]) == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it is read from /proc")
def test_the_memory_of_the_page_is_that_of_the_process(service: ServiceProcess) -> None:
    told = gauge(scrape(service.client), "process_resident_memory_bytes") / 1024**2
    assert told == pytest.approx(service.resident_megabytes, rel=0.1)


@pytest.mark.parametrize("path", ["/predict", "/upload"])
def test_a_good_answer_says_where_its_time_went(client: httpx.Client, face: RgbImage, path: str) -> None:
    body = [frame(face)] if path == "/predict" else frame(face)
    answer = client.post(path, json=body, headers={"Origin": ALLOWED})
    stages = stages_of(answer)

    assert list(stages) == [*(stage.value for stage in Stage), "total"]
    # One frame is decoded in one piece; its two eyes may be classified side by side.
    assert 0 < stages["decode"] <= stages["total"]
    assert stages["detect"] > 0
    assert stages["infer"] > 0
    assert "Server-Timing" in answer.headers["access-control-expose-headers"].split(", ")
    assert answer.headers["timing-allow-origin"] == ALLOWED
