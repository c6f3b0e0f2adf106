"""Starting and stopping: one real start for every way in which a start can end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.config.settings import Settings
from src.core.types import RgbImage
from tests.contract.payloads import LONG, assert_error, gauge, long_request, scrape, value
from tests.services import Start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to drain on")


def tell_the_supervisor(service: ServiceProcess) -> None:
    service.send_signal(signal.SIGTERM)


def tell_both_processes(service: ServiceProcess) -> None:
    """As `pkill` does, and the terminal on Ctrl-C: the second must not be taken for impatience."""
    server = service.server_pid
    assert server is not None
    os.kill(server, signal.SIGINT)
    service.send_signal(signal.SIGINT)
    os.kill(server, signal.SIGINT)


@pytest.mark.smoke
@pytest.mark.parametrize("tell", [tell_the_supervisor, tell_both_processes])
def test_a_stop_signal_lets_requests_in_flight_finish(
    start: Start, face: RgbImage, tell: Callable[[ServiceProcess], None]
) -> None:
    with start(**LONG) as service, ThreadPoolExecutor(4) as clients:
        request = long_request(face, 24)
        url = service.client.base_url.join("/predict")
        answers = [clients.submit(httpx.post, url, json=request, timeout=120) for _ in range(4)]
        service.wait_for_requests_in_flight(4)
        tell(service)
        draining = service.wait_for_health(503)

        assert draining["message"] == "Draining"
        assert_error(service.client.post("/predict", json=request), 503, "draining")
        assert [answer.result().status_code for answer in answers] == [200] * 4
        assert service.wait() == 0


def test_a_service_that_is_starting_says_so_and_counts_already(start: Start, tmp_path: Path) -> None:
    """What Robyn and Prometheus would take from the environment changes nothing."""
    of_others = {"ROBYN_PORT": "1", "ROBYN_HOST": "127.0.0.2", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "nowhere")}
    with start(wait_until_healthy=False, **of_others) as service:
        starting = service.wait_for_health(503)
        refused = service.client.post("/predict", json=[])
        page = scrape(service.client)
        ready = service.wait_for_health(200)

    assert starting["message"] == "Starting"
    assert set(starting) == set(ready)
    assert_error(refused, 503, "starting")
    assert int(refused.headers["retry-after"]) > 0
    assert value(page, "eyenet_requests_total", route="/predict", method="POST", status="503", code="starting") == 1
    assert gauge(page, "eyenet_ready") == 0
    assert "eyenet_model_info" not in {name for name, _ in page}
    assert "Traceback" not in service.log


def test_a_taken_port_is_one_clear_sentence(start: Start, service: ServiceProcess) -> None:
    with start(wait_until_healthy=False, PORT=str(service.port)) as second:
        assert second.wait() == 1
    assert f"PORT {service.port} cannot be listened on" in second.log
    assert len(second.log.strip().splitlines()) == 1


def test_wrong_settings_stop_the_start_with_a_sentence_that_names_each(start: Start) -> None:
    """Which values are wrong, and what is said of each: tests/unit/config/test_settings.py."""
    wrong = {
        "MAX_FRAMES": "0",
        "ALLOWED_ORIGINS": "*",
        "CLASSES": "Healthy",
        "SAVE_EYES": "perhaps",
        "API_KEYS": "a-key-of-sixteen-characters,too-short",
    }
    with start(wait_until_healthy=False, **wrong) as service:
        assert service.wait() == 2
    for name in wrong:
        assert f"{name} is wrong" in service.log
    assert "too-short" not in service.log
    assert "Traceback" not in service.log


def test_a_key_under_a_misspelt_name_stops_the_start_and_another_misspelt_name_is_warned_of(start: Start) -> None:
    with start(wait_until_healthy=False, API_KEY="a-key-of-sixteen-characters") as service:
        assert service.wait() == 2
    assert "cannot start: API_KEY is in the environment and API_KEYS is not set" in service.log
    assert "a-key-of-sixteen" not in service.log
    with start(wait_until_healthy=False, MAX_FRAME="5", MODEL_PATH="/gone.h5") as service:
        assert service.wait() == 1
    assert "WARNING eyenet.main MAX_FRAME in the environment is no setting. Is MAX_FRAMES meant?" in service.log


def test_a_model_that_cannot_be_used_stops_the_start_with_one_line_that_says_why(
    start: Start, tmp_path: Path, settings: Settings
) -> None:
    """What else may be wrong with a model: tests/unit/services/test_classifier.py."""
    model = tmp_path / "model.h5"
    whole = settings.model_path.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])
    with start(wait_until_healthy=False, MODEL_PATH=str(model)) as service:
        assert service.wait() == 1
    (line,) = (line for line in service.log.splitlines() if "cannot start" in line)
    assert f"cannot start: MODEL_PATH is wrong: {model} cannot be read as an HDF5 file" in line
    assert "Traceback" not in service.log
