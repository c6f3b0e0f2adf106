"""What an operator's machine may do to the service: a clear sentence at start, or a degraded answer. Never a hang."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from lab.common.backend import ServiceProcess
from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT, Settings
from src.core.types import RgbImage
from tests.contract.payloads import frame

LANDMARKS = "shape_predictor_68_face_landmarks.dat"
EYE_CASCADE = "cascades/haarcascade_eye.xml"
NO_SPACE = "No space left on device"

Fault = Callable[[Path], None]
"""Does something to the copy of the project at this place."""


def sentence_of_failed_start(log_file: Path, root: Path = PROJECT_ROOT, **settings: str) -> str:
    """The one line that says why it did not start."""
    with ServiceProcess(log_file, wait_until_healthy=False, root=root, **settings) as service:
        assert service.wait() == 1
        assert "Traceback" not in service.log
        (line,) = (line for line in service.log.splitlines() if "cannot start" in line)
        return line.partition("cannot start: ")[2]


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory at `folder`."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if mount is None or umount is None:
        pytest.skip("this system has no mount")
    folder.mkdir(parents=True, exist_ok=True)
    mounting = subprocess.run(
        [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounting.returncode:
        pytest.skip(f"needs the right to mount a small file system, which root has: {mounting.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run([umount, str(folder)], check=True)


def fill(file: Path) -> Path:
    """Writes until the disk is full."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as ballast:
        while ballast.write(b"\0" * 4096):
            pass
    return file


class TestModel:
    def test_a_truncated_one(self, tmp_path: Path, settings: Settings) -> None:
        model = tmp_path / "model.h5"
        whole = settings.model_path.read_bytes()
        model.write_bytes(whole[: len(whole) // 2])
        sentence = sentence_of_failed_start(tmp_path / "log", MODEL_PATH=str(model))
        assert sentence.startswith(f"MODEL_PATH is wrong: {model} cannot be loaded")

    @pytest.mark.parametrize(
        ("shape", "classes", "sentence"),
        [
            ((64, 96, 3), 4, "MODEL_PATH is wrong: the model takes (None, 64, 96, 3), not a square RGB picture."),
            ((64, 64, 3), 3, "CLASSES is wrong: it names 4 classes, the model has 3 outputs."),
        ],
    )
    def test_one_of_another_shape(
        self, tmp_path: Path, shape: tuple[int, int, int], classes: int, sentence: str
    ) -> None:
        from src.services.tensorflow_runtime import keras

        layers = keras.layers
        model = keras.Sequential(
            [
                layers.Conv2D(4, 5, 4, name="multiply_1", input_shape=shape),
                layers.GlobalAveragePooling2D(),
                layers.Dense(classes, activation="softmax"),
            ]
        )
        model.save(tmp_path / "model.h5", save_format="h5")
        assert sentence_of_failed_start(tmp_path / "log", MODEL_PATH=str(tmp_path / "model.h5")) == sentence


# The first start puts the others there; the model is used from where it is.
NOT_BEFORE_THE_FIRST_START = shutil.ignore_patterns("cascades", LANDMARKS, "models", "__pycache__")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout before its first start, without the model."""
    root = tmp_path / "project"
    shutil.copytree(PROJECT_ROOT / "src", root / "src", ignore=NOT_BEFORE_THE_FIRST_START)
    shutil.copy(PROJECT_ROOT / "main.py", root)
    return root


def hide_landmark_package(root: Path) -> None:
    """A package of the same name that is found first and carries nothing."""
    (root / "face_recognition_models").mkdir()
    (root / "face_recognition_models" / "__init__.py").touch()


def hide_opencv_cascades(root: Path) -> None:
    """The same OpenCV, found first, without its data. A copy: behind symbolic links it does not find itself."""
    installed = Path(cv2.__file__).parent
    shutil.copytree(installed, root / "cv2", ignore=shutil.ignore_patterns("data", "__pycache__"))
    for libraries in installed.parent.glob("opencv_python_headless.libs"):
        (root / libraries.name).symlink_to(libraries)


def cut_landmarks_off(root: Path) -> None:
    whole = (PROJECT_ROOT / "src/assets" / LANDMARKS).read_bytes()
    (root / "src/assets" / LANDMARKS).write_bytes(whole[:1_000_000])


def cut_eye_cascade_off(root: Path) -> None:
    (root / "src/assets/cascades").mkdir()
    whole = (Path(cv2.data.haarcascades) / "haarcascade_eye.xml").read_bytes()
    (root / "src/assets" / EYE_CASCADE).write_bytes(whole[:10_000])


class TestAssets:
    @pytest.mark.usefixtures("assets")
    @pytest.mark.parametrize(
        ("fault", "sentence"),
        [
            (hide_landmark_package, f"{LANDMARKS} is missing, and the package face-recognition-models that carries it"),
            (hide_opencv_cascades, "xml is missing, and the package opencv-python-headless that carries it"),
            (cut_landmarks_off, f"{LANDMARKS} is missing or is not a dlib landmark file."),
            (cut_eye_cascade_off, "haarcascade_eye.xml is missing or is not a Haar cascade."),
        ],
    )
    def test_what_is_missing_or_broken_is_named(
        self, tmp_path: Path, project: Path, settings: Settings, fault: Fault, sentence: str
    ) -> None:
        fault(project)
        told = sentence_of_failed_start(tmp_path / "log", project, MODEL_PATH=str(settings.model_path))
        assert sentence in told

    def test_a_disk_that_is_full_at_the_first_start(self, tmp_path: Path, project: Path, settings: Settings) -> None:
        with mounted(project / "src/assets", "size=4m") as full:
            shutil.copytree(PROJECT_ROOT / "src/assets", full, ignore=NOT_BEFORE_THE_FIRST_START, dirs_exist_ok=True)
            checked_out = {file.name for file in full.iterdir()}
            sentence = sentence_of_failed_start(tmp_path / "log", project, MODEL_PATH=str(settings.model_path))
            assert sentence == f"{full / LANDMARKS} cannot be written: {NO_SPACE}."
            # What was copied of it does not stay on the full disk.
            assert {file.name for file in full.iterdir()} == checked_out | {"cascades"}


class TestSavedPictures:
    def test_a_folder_on_a_read_only_disk_stops_the_start(self, tmp_path: Path) -> None:
        with mounted(tmp_path / "frames", "size=1m,ro") as frames:
            sentence = sentence_of_failed_start(
                tmp_path / "log", SAVE_TEMP_IMAGES="true", TEMP_IMAGES_DIR=str(frames), SAVED_EYES_DIR=str(tmp_path)
            )
        assert sentence == f"TEMP_IMAGES_DIR is wrong: {frames} cannot be written to: Read-only file system."

    def test_a_full_disk_costs_the_pictures_and_not_the_answers(self, tmp_path: Path, face: RgbImage) -> None:
        old = "0" * 32 + ".png"
        with mounted(tmp_path / "frames", "size=4m") as frames:
            (frames / old).write_bytes(b"from an earlier process")
            os.utime(frames / old, (0, 0))
            ballast = fill(frames / "ballast")
            folders = {"TEMP_IMAGES_DIR": str(frames), "SAVED_EYES_DIR": str(tmp_path / "eyes")}
            with ServiceProcess(tmp_path / "log", SAVE_TEMP_IMAGES="true", **folders) as service:
                assert service.client.post("/predict", json=[frame(face)]).status_code == 200
                wait_until(lambda: NO_SPACE in service.log, "a line about the full disk")
                # One line for the one picture, nothing half-written, and what is old goes as ever.
                assert service.log.count(NO_SPACE) == 1
                assert f"a picture could not be saved to {frames}" in service.log
                wait_until(
                    lambda: [file.name for file in frames.iterdir()] == ["ballast"], "the end of the old picture"
                )

                ballast.unlink()
                assert service.client.post("/predict", json=[frame(face)]).status_code == 200
                wait_until(lambda: len(list(frames.glob("*.png"))) == 1, "a saved picture")
                assert service.stop() == 0
                assert "Traceback" not in service.log


def test_a_folder_for_prometheus_that_is_not_there_is_of_no_interest(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    with ServiceProcess(tmp_path / "log", wait_until_healthy=False, PROMETHEUS_MULTIPROC_DIR=nowhere) as service:
        service.wait_for_health(503)
        assert "eyenet_ready 0.0" in service.client.get("/metrics").text
        assert "Traceback" not in service.log
