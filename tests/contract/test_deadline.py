"""A request that cannot be answered in time is told so, and nothing more is computed for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import data_uri
from tests.contract.test_bad_input import assert_error
from tests.contract.test_metrics import gauge, scrape

FRAMES = 128
AT_ONCE = 6


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One worker, three seconds for a request, and room for more frames than it can look at in that time."""
    log_file = tmp_path_factory.mktemp("hurried") / "log"
    settings = {"REQUEST_TIMEOUT_S": "3", "WORKER_THREADS": "1", "MAX_FRAMES": str(FRAMES)}
    with ServiceProcess(log_file, **settings) as process:
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
    time.sleep(1)

    for answer in late:
        assert_error(answer, 503, "timed_out")
        assert int(answer.headers["retry-after"]) > 0
        assert "encode;" not in answer.headers["server-timing"]
    assert eyes < 2 * FRAMES
    assert gauge(scrape(hurried.client), "eyenet_batch_size_sum") == eyes
    assert hurried.client.post("/upload", json={"image": data_uri(eye_photo)}).status_code == 200


def test_late_requests_are_counted_under_their_code(hurried: ServiceProcess) -> None:
    counted = {labels for name, labels in scrape(hurried.client) if name == "eyenet_requests_total"}
    assert any(("code", "timed_out") in labels and ("status", "503") in labels for labels in counted)
