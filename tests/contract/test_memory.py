"""However much is sent at once, the service takes no more memory than it said at its start."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import orjson
import pytest

from lab.common.backend import ServiceProcess
from src.config.settings import Settings
from src.core.types import RgbImage
from src.utils.preprocessing import resize
from tests.contract.payloads import assert_error, base64_of, picture_bytes
from tests.services import Start

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="it is read from /proc")

AT_ONCE = 32
FRAMES = 8
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def forty_megapixels(face: RgbImage) -> str:
    """A face of 6,300 x 6,300 px: less than a megabyte as a file, 119 of them as pixels."""
    return base64_of(picture_bytes(resize(face, 6300, 6300), "JPEG", quality=30))


@pytest.mark.heavy
def test_frames_of_forty_megapixels_from_all_sides_stay_within_the_bound(
    start: Start, settings: Settings, forty_megapixels: str
) -> None:
    """Two workers, and limits that large requests reach."""
    limits = {
        "WORKER_THREADS": "2",
        "MAX_BODY_MB": "16",
        "MAX_MEMORY_IN_FLIGHT_MB": "64",
        "MAX_FRAMES": str(FRAMES),
        "REQUEST_TIMEOUT_S": "280",
        "SUPERVISE": "false",
    }
    body = orjson.dumps([{"image": forty_megapixels}] * FRAMES)
    with start(MODEL_PATH=str(settings.model_path), **limits) as small, ThreadPoolExecutor(AT_ONCE) as clients:
        url = small.client.base_url.join("/predict")
        small.forget_peak()
        at_start = small.resident_megabytes
        answers = list(clients.map(lambda _: httpx.post(url, content=body, timeout=290), range(AT_ONCE)))
        grown = small.peak_resident_megabytes - at_start
        stated = re.search(r"ready .* memory_of_requests_mb=(\d+)", small.log)
        assert small.client.get("/health").json()["requests_in_flight"] == 0

    # All at once they would be 30 GiB of pixels, and 64 MiB are not enough for all bodies.
    assert set(Counter(answer.status_code for answer in answers)) == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert_error(answer, 503, "busy")
    # Robyn reads all bodies before anybody can refuse them, growing its buffers as they come.
    being_received = AT_ONCE * 3 * len(body) / MEGABYTE
    assert stated
    assert grown < int(stated[1]) + being_received < 4000


def test_a_body_of_nothing_but_brackets_takes_little_more_than_itself(service: ServiceProcess) -> None:
    service.forget_peak()
    at_start = service.resident_megabytes
    body = b"[" + b"[]," * 5_000_000 + b"[]]"

    assert_error(service.client.post("/predict", content=body), 400, "invalid_payload")
    # Made to lists, it would take thirty times its size.
    assert service.peak_resident_megabytes - at_start < 10 * len(body) / MEGABYTE


def test_a_single_body_of_the_largest_size_is_taken(
    service: ServiceProcess, settings: Settings, forty_megapixels: str
) -> None:
    frames = orjson.dumps([{"image": forty_megapixels, "note": ""}])
    filling = settings.max_body_bytes - len(frames)
    body = frames.replace(b'"note":""', b'"note":"' + b"x" * filling + b'"')
    assert len(body) == settings.max_body_bytes
    assert service.client.post("/predict", content=body).status_code == 200
    assert_error(service.client.post("/predict", content=body + b" "), 413, "body_too_large")
