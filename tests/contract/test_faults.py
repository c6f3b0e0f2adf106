"""What an operator's machine may do to the service: a clear sentence at start, or a degraded answer. Never a hang."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT, load_settings
from src.core.errors import StartupError
from src.core.types import RgbImage
from src.services.assets import prepare_assets
from src.services.image_store import ImageStore
from tests.contract.payloads import frame
from tests.services import Start

LANDMARKS = "shape_predictor_68_face_landmarks.dat"
EYE_CASCADE = "cascades/haarcascade_eye.xml"
NO_SPACE = "No space left on device"

Fault = Callable[[Path], None]
"""Does something to the copy of the project at this place."""


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


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout before its first start, which puts the files of detection there, and without models."""
    root = tmp_path / "project"
    not_there = shutil.ignore_patterns("cascades", LANDMARKS, "models", "__pycache__")
    shutil.copytree(PROJECT_ROOT / "src", root / "src", ignore=not_there)
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
    whole = (Path(cv2.__file__).parent / "data" / "haarcascade_eye.xml").read_bytes()
    (root / "src/assets" / EYE_CASCADE).write_bytes(whole[:10_000])


# What a start does first, beside loading the model; a StartupError is the line that it ends with.
FIND_AND_LOAD = """
from src.services.assets import prepare_assets
from src.services.face_detection import FaceDetector
FaceDetector(prepare_assets(), crop_padding_x=20, crop_padding_y=40, mirrored_input=False)
"""


class TestFilesOfDetection:
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
    def test_what_is_missing_or_broken_is_named(self, project: Path, fault: Fault, sentence: str) -> None:
        fault(project)
        loaded = subprocess.run(
            [sys.executable, "-c", FIND_AND_LOAD], cwd=project, capture_output=True, text=True, timeout=120, check=False
        )
        last = loaded.stderr.splitlines()[-1]
        assert last.startswith("src.core.errors.StartupError: ")
        assert sentence in last

    def test_a_disk_that_is_full_at_the_first_start(self, tmp_path: Path) -> None:
        with mounted(tmp_path / "assets", "size=4m") as full:
            with pytest.raises(StartupError, match=f"^{full / LANDMARKS} cannot be written: {NO_SPACE}.$"):
                prepare_assets(full)
            # What was copied of it does not stay on the full disk.
            assert {file.name for file in full.iterdir()} == {"cascades"}


class TestSavedPictures:
    def test_a_folder_on_a_read_only_disk_stops_the_start(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SAVE_TEMP_IMAGES", "true")
        with mounted(tmp_path / "frames", "size=1m,ro") as frames:
            monkeypatch.setenv("TEMP_IMAGES_DIR", str(frames))
            sentence = f"^TEMP_IMAGES_DIR is wrong: {frames} cannot be written to: Read-only file system.$"
            with pytest.raises(StartupError, match=sentence):
                ImageStore(load_settings(env_file=None))

    def test_a_full_disk_costs_the_pictures_and_not_the_answers(
        self, start: Start, tmp_path: Path, face: RgbImage
    ) -> None:
        old = "0" * 32 + ".png"
        with mounted(tmp_path / "frames", "size=4m") as frames:
            (frames / old).write_bytes(b"from an earlier process")
            os.utime(frames / old, (0, 0))
            ballast = fill(frames / "ballast")
            folders = {"TEMP_IMAGES_DIR": str(frames), "SAVED_EYES_DIR": str(tmp_path / "eyes")}
            with start(SAVE_TEMP_IMAGES="true", **folders) as service:
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
