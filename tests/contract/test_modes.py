"""Settings that change what clients and the disk see."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from tests.contract.payloads import data_uri, frame, shown
from tests.contract.service_process import ServiceProcess


def files_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


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


def test_nothing_is_written_by_default(service: ServiceProcess, face: RgbImage) -> None:
    folders = [PROJECT_ROOT / "temp_images", PROJECT_ROOT / "saved_eyes"]
    before = [files_in(folder) for folder in folders]
    service.client.post("/predict", json=[frame(face)])
    service.client.post("/upload", json={"image": data_uri(face)})
    time.sleep(0.5)

    assert [files_in(folder) for folder in folders] == before


def test_the_log_holds_no_pixels_and_no_scores(tmp_path: Path, face: RgbImage) -> None:
    with ServiceProcess(tmp_path / "log", LOG_LEVEL="DEBUG") as service:
        answer = service.client.post("/predict", json=[frame(face)]).json()["body"]
        service.client.post("/upload", json={"image": "SENT-BY-A-CLIENT"})
        # Times are numbers, too, and now and then the same ones.
        log = re.sub(r"^\S+Z |ms=\S+", "", service.log, flags=re.MULTILINE)

    assert "path=/predict status=200" in log
    assert "data:image" not in log
    assert "iVBOR" not in log
    assert "SENT-BY-A-CLIENT" not in log
    for eye in answer.values():
        assert eye["best_prediction"] not in log
        for score in eye["average_scores"].values():
            assert not re.search(rf"(?<![\d.]){re.escape(str(score))}(?![\d.])", log)


def test_saving_writes_under_random_names_and_retention_deletes(tmp_path: Path, face: RgbImage) -> None:
    folders = {"TEMP_IMAGES_DIR": tmp_path / "frames", "SAVED_EYES_DIR": tmp_path / "eyes"}
    settings = {name: str(folder) for name, folder in folders.items()}
    with ServiceProcess(tmp_path / "log", SAVE_TEMP_IMAGES="true", SAVE_EYES="true", **settings) as service:
        answer = service.client.post("/predict", json=[frame(face)])
    saved = {name: files_in(folder) for name, folder in folders.items()}

    assert [len(saved["TEMP_IMAGES_DIR"]), len(saved["SAVED_EYES_DIR"])] == [1, 2]
    assert all(len(Path(name).stem) == 32 for names in saved.values() for name in names)
    crop_sizes = {shown(eye["image_preview"]).shape for eye in answer.json()["body"].values()}
    assert crop_sizes

    # A later process deletes what an earlier one left, also when it saves nothing itself.
    with ServiceProcess(tmp_path / "log2", IMAGE_RETENTION_HOURS="0.0001", **settings):
        give_up_at = time.monotonic() + 20
        while any(files_in(folder) for folder in folders.values()):
            assert time.monotonic() < give_up_at
            time.sleep(0.1)


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
