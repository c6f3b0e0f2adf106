"""A request that cannot be answered in time is told so, and nothing more is computed for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.common.backend import ServiceProcess
from src.config.settings import Settings
from src.core.types import RgbImage
from tests.contract.payloads import assert_error, data_uri, gauge, scrape, value
from tests.services import Start

FRAMES = 128
AT_ONCE = 6


@pytest.fixture
def hurried(start: Start, settings: Settings) -> Iterator[ServiceProcess]:
    """One worker, three seconds for a request, and room for more frames than it can look at in that time."""
    limits = {"REQUEST_TIMEOUT_S": "3", "WORKER_THREADS": "1", "MAX_FRAMES": str(FRAMES)}
    with start(MODEL_PATH=str(settings.model_path), **limits) as process:
        yield process


def test_late_requests_are_given_up_and_the_next_one_is_answered(
    hurried: ServiceProcess, face: RgbImage, eye_photo: RgbImage
) -> None:
    image = data_uri(face, "JPEG")
    body = [{"image": image} for _ in range(FRAMES)]
    with ThreadPoolExecutor(AT_ONCE) as clients:
        late = list(clients.map(lambda _: hurried.client.post("/predict", json=body), range(AT_ONCE)))
    hurried.wait_for_requests_in_flight(0)
    eyes = gauge(scrape(hurried.client), "eyenet_batch_size_sum")
    # A whole request of somebody else, on the only worker: what was left of the late ones would have come before it.
    assert hurried.client.post("/upload", json={"image": data_uri(eye_photo)}).status_code == 200

    for answer in late:
        assert_error(answer, 503, "timed_out")
        assert int(answer.headers["retry-after"]) > 0
        assert "encode;" not in answer.headers["server-timing"]
    assert eyes < 2 * FRAMES
    page = scrape(hurried.client)
    assert gauge(page, "eyenet_batch_size_sum") == eyes + 1
    assert (
        value(page, "eyenet_requests_total", route="/predict", method="POST", status="503", code="timed_out") == AT_ONCE
    )
