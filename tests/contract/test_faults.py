"""What an operator's machine may do to the service: a clear sentence at start, or a degraded answer. Never a hang."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.common.waiting import wait_until
from src.config.settings import Settings
from src.core.errors import StartupError
from src.core.types import RgbImage
from src.services.assets import Assets
from src.services.eye_locator import EyeLocator
from tests.contract.payloads import frame
from tests.services import Start

NO_SPACE = "No space left on device"


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


@pytest.mark.parametrize(
    ("asset", "left_of_it", "kind"),
    [("landmarks", 1_000_000, "dlib landmark file"), ("eye_cascade", 10_000, "Haar cascade")],
)
def test_a_file_of_detection_that_is_cut_off_stops_the_start_with_a_sentence_that_names_it(
    assets: Assets, settings: Settings, tmp_path: Path, asset: str, left_of_it: int, kind: str
) -> None:
    """What is missing or something else: tests/unit/services."""
    cut_off = tmp_path / "cut_off"
    cut_off.write_bytes(getattr(assets, asset).read_bytes()[:left_of_it])
    with pytest.raises(StartupError, match=f"cut_off is missing or is not a {kind}\\."):
        EyeLocator.from_settings(replace(assets, **{asset: cut_off}), settings)


def test_a_full_disk_costs_the_pictures_and_not_the_answers(start: Start, tmp_path: Path, face: RgbImage) -> None:
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
            wait_until(lambda: [file.name for file in frames.iterdir()] == ["ballast"], "the end of the old picture")

            ballast.unlink()
            assert service.client.post("/predict", json=[frame(face)]).status_code == 200
            wait_until(lambda: len(list(frames.glob("*.png"))) == 1, "a saved picture")
            assert service.stop() == 0
            assert "Traceback" not in service.log
