"""The machine's own Chromium, and a camera that is a file."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np

from src.core.types import RgbImage

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_FRAMES = 30
_FRAMES_PER_SECOND = 10


def find_chromium() -> str | None:
    """Its path; None where there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def arguments(camera_file: Path) -> list[str]:
    """Its command line: nothing asked of the network, and the file in place of a camera."""
    return [
        *_QUIET,
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera_file}",
    ]


def write_camera_file(file: Path, picture: RgbImage) -> None:
    """A YUV4MPEG2 film of three seconds in which nothing moves; height and width of the picture are even."""
    height, width = picture.shape[:2]
    planes = cv2.cvtColor(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2BGR), cv2.COLOR_BGR2YUV_I420)
    header = f"YUV4MPEG2 W{width} H{height} F{_FRAMES_PER_SECOND}:1 Ip A1:1 C420jpeg\n"
    file.write_bytes(header.encode("ascii") + (b"FRAME\n" + planes.tobytes()) * _FRAMES)
