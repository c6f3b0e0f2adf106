"""Settings that change what clients see."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.common.backend import ServiceProcess
from src.core.types import RgbImage
from tests.contract.payloads import data_uri, frame


def test_the_legacy_envelope_is_http_200_with_the_body_as_a_string(tmp_path: Path, face: RgbImage) -> None:
    with ServiceProcess(tmp_path / "log", LEGACY_ENVELOPE="true") as service:
        predict = service.client.post("/predict", json=[frame(face)])
        upload = service.client.post("/upload", json={"image": data_uri(face)})
        failure = service.client.post("/upload", json={})
        wrong_method = service.client.get("/predict")
        health = service.client.get("/health")

    for answer, status in ((predict, 200), (upload, 200), (failure, 400), (wrong_method, 405)):
        assert answer.status_code == 200
        content = answer.json()
        assert set(content) == {"status_code", "body", "headers"}
        assert content["status_code"] == status
        assert content["headers"] == {"Content-Type": "application/json"}
        assert isinstance(content["body"], str)
    assert set(json.loads(predict.json()["body"])) == {"left_eye", "right_eye"}
    assert json.loads(upload.json()["body"])["left_eye"]["best_prediction"]
    assert json.loads(predict.json()["body"])["left_eye"].keys() >= {"confidence", "inconclusive", "reasons"}
    assert json.loads(failure.json()["body"])["code"] == "invalid_payload"
    assert health.json()["message"] == "Healthy"


def test_mirrored_input_swaps_the_eyes(tmp_path: Path, service: ServiceProcess, face: RgbImage) -> None:
    with ServiceProcess(tmp_path / "log", MIRRORED_INPUT="true") as mirrored:
        swapped = mirrored.client.post("/predict", json=[frame(face)]).json()["body"]
    plain = service.client.post("/predict", json=[frame(face)]).json()["body"]

    assert swapped["left_eye"]["image_preview"] == plain["right_eye"]["image_preview"]
    assert swapped["right_eye"]["image_preview"] == plain["left_eye"]["image_preview"]


@pytest.mark.parametrize("name", ["TEMP_IMAGES_DIR", "SAVED_EYES_DIR"])
def test_a_folder_that_cannot_be_written_stops_the_start(tmp_path: Path, name: str) -> None:
    blocked = tmp_path / "a file"
    blocked.touch()
    settings = {name: str(blocked / "folder"), "SAVE_TEMP_IMAGES": "true", "SAVE_EYES": "true"}
    if name == "SAVED_EYES_DIR":
        settings["TEMP_IMAGES_DIR"] = str(tmp_path)
    with ServiceProcess(tmp_path / "log", wait_until_healthy=False, **settings) as service:
        assert service.wait() == 1
        assert f"{name} is wrong" in service.log
