"""Starting, stopping, and settings that are wrong."""

from __future__ import annotations

import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import frame

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to drain on")


def exit_of(log_file: Path, **settings: str) -> tuple[int, str]:
    """Exit code and output of a service that cannot start."""
    with ServiceProcess(log_file, wait_until_healthy=False, **settings) as service:
        return service.wait(), service.log


@pytest.mark.smoke
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_lets_requests_in_flight_finish(tmp_path: Path, face: RgbImage, number: signal.Signals) -> None:
    with ServiceProcess(tmp_path / "log") as service, ThreadPoolExecutor(4) as clients:
        request = [frame(face)] * 16
        url = service.client.base_url.join("/predict")
        answers = [clients.submit(httpx.post, url, json=request, timeout=120) for _ in range(4)]
        service.wait_for_requests_in_flight(4)
        service.send_signal(number)
        draining = service.wait_for_health(503)

        assert draining["message"] == "Draining"
        refused = service.client.post("/predict", json=request)
        assert refused.status_code == 503
        assert refused.json()["body"]["code"] == "draining"
        assert [answer.result().status_code for answer in answers] == [200] * 4
        assert service.wait() == 0


def test_a_service_that_is_starting_says_so(tmp_path: Path, face: RgbImage) -> None:
    with ServiceProcess(tmp_path / "log", wait_until_healthy=False) as service:
        starting = service.wait_for_health(503)
        refused = service.client.post("/predict", json=[frame(face)])

        assert starting["message"] == "Starting"
        assert set(starting) == set(service.wait_for_health(200))
        if refused.status_code != 200:
            assert refused.json()["body"]["code"] == "starting"
            assert int(refused.headers["retry-after"]) > 0


def test_more_requests_than_allowed_are_told_to_come_back(tmp_path: Path, face: RgbImage) -> None:
    with ServiceProcess(tmp_path / "log", MAX_REQUESTS_IN_FLIGHT="1") as service, ThreadPoolExecutor(6) as clients:
        request = [frame(face)] * 5
        answers = list(clients.map(lambda _: service.client.post("/predict", json=request), range(6)))

        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[-1] == 503
        for answer in answers:
            if answer.status_code == 503:
                assert answer.json()["body"]["code"] == "busy"
                assert int(answer.headers["retry-after"]) > 0
        assert service.client.post("/predict", json=request).status_code == 200


def test_robyns_own_variables_do_not_override_ours(tmp_path: Path) -> None:
    with ServiceProcess(tmp_path / "log", ROBYN_PORT="1", ROBYN_HOST="127.0.0.2") as service:
        assert service.client.get("/live").status_code == 200


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path, service: ServiceProcess) -> None:
    code, output = exit_of(tmp_path / "log", PORT=str(service.port))

    assert code == 1
    assert f"PORT {service.port} cannot be listened on" in output
    assert len(output.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("MAX_FRAMES", "0"),
        ("ALLOWED_ORIGINS", "*"),
        ("CLASSES", "Healthy"),
        ("SAVE_EYES", "perhaps"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence_that_names_it(tmp_path: Path, name: str, value: str) -> None:
    settings = {"PORT": "8000"} | {name: value}
    if name == "PORT":
        settings = {}
    service = ServiceProcess(tmp_path / "log", wait_until_healthy=False, **settings)
    service._environment[name] = value
    with service:
        assert service.wait() == 2
        assert f"{name} is wrong" in service.log
        assert "Traceback" not in service.log


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"CLASSES": "Healthy,Cataract,Conjunctivitis,Stye"}, "CLASSES is wrong"),
        ({"CLASSES": "A,B,C"}, "CLASSES is wrong"),
        ({"GRAD_CAM_LAYER": "dense_2"}, "GRAD_CAM_LAYER is wrong"),
        ({"MODEL_PATH": "no/such/file.h5"}, "MODEL_PATH is wrong"),
        ({"MODEL_PATH": "README.md"}, "MODEL_PATH is wrong"),
    ],
)
def test_a_model_that_does_not_fit_stops_the_start(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    code, output = exit_of(tmp_path / "log", **settings)

    assert code == 1
    assert sentence in output
    assert "Traceback" not in output
