"""What people send is answered and gone: nothing of it is on the disk or in the log, unless settings say so."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import numpy as np
import pytest

from lab.common.backend import ServiceProcess
from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from tests.contract.payloads import base64_of, data_uri, frame, picture_bytes
from tests.services import Start

REQUESTS = 100
FILE_NAME = "anna-smith-left-eye"
KEY = "a-key-for-another-service"
# Not of the service: what tools and tests write while it runs.
_OF_OTHERS = {".git", "__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache", "build"}
_PICTURE_NAME = re.compile(r"[0-9a-f]{32}\.png")


Sent: TypeAlias = tuple[str, str, dict[str, Any]]
"""Method, path and httpx's options of a request."""


def everything_in(*folders: Path) -> dict[str, tuple[int, int]]:
    """Size and time of every file and folder, by path."""
    found = {}
    for folder in folders:
        for parent, below, files in os.walk(folder):
            below[:] = [name for name in below if name not in _OF_OTHERS and not name.startswith(".venv")]
            for name in [*below, *files]:
                status = (Path(parent) / name).lstat()
                found[str(Path(parent) / name)] = (status.st_size if name in files else 0, status.st_mtime_ns)
    return found


def names_in(*folders: Path) -> list[str]:
    return [file.name for folder in folders for file in folder.iterdir()]


def kinds_of_requests(face: RgbImage, eye_photo: RgbImage) -> list[Sent]:
    """Good and bad ones, of faces and of eyes, with names of files and keys wherever clients may put them."""
    noise = np.random.default_rng(3).integers(0, 256, (320, 320, 3), np.uint8)
    png = picture_bytes(eye_photo, "PNG")
    named = {"name": f"{FILE_NAME}.jpg", "path": f"/home/anna/{FILE_NAME}.jpg"}
    keyed = {"headers": {"X-API-Key": KEY, "Authorization": f"Bearer {KEY}"}}
    return [
        ("POST", "/predict", {"json": [frame(face), frame(face)], **keyed}),
        ("POST", "/upload", {"json": {"image": data_uri(eye_photo, "JPEG")} | named}),
        ("POST", "/upload", {"json": {"image": data_uri(face)}}),
        ("POST", "/predict", {"json": [frame(face) | named, {"image": base64_of(png[:-200])}]}),
        ("POST", "/predict", {"json": [frame(noise)]}),
        ("POST", "/upload", {"json": {"image": base64_of(png[: len(png) // 2])}}),
        ("POST", "/upload", {"json": {"image": f"{FILE_NAME}.jpg"}}),
        ("POST", "/upload", {"content": b'{"image": "' + base64_of(png).encode()}),
        ("POST", "/predict", {"files": {"image": (f"{FILE_NAME}.png", png, "image/png")}}),
        ("POST", "/upload", {"json": named, "params": {"file": f"{FILE_NAME}.jpg", "api_key": KEY}}),
        ("GET", f"/{FILE_NAME}.jpg", {"params": {"api_key": KEY}}),
        ("PUT", "/predict", {"json": [frame(eye_photo)], **keyed}),
    ]


def send(service: ServiceProcess, requests: Sequence[Sent]) -> list[httpx.Response]:
    with ThreadPoolExecutor(8) as clients:
        return list(clients.map(lambda sent: service.client.request(sent[0], sent[1], **sent[2]), requests))


def test_after_a_hundred_requests_nothing_is_on_the_disk_and_nothing_private_in_the_log(
    start: Start, tmp_path: Path, face: RgbImage, eye_photo: RgbImage
) -> None:
    form = {"image": (f"{FILE_NAME}.png", picture_bytes(eye_photo, "PNG"), "image/png")}
    kinds = [*kinds_of_requests(face, eye_photo), ("POST", "/upload", {"files": form})]
    requests = [kinds[number % len(kinds)] for number in range(REQUESTS)]
    # Folders of its own for whatever a library might write unasked.
    homes = {name: tmp_path / name.lower() for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    for folder in homes.values():
        folder.mkdir()
    environment = {name: str(folder) for name, folder in homes.items()} | {"PYTHONDONTWRITEBYTECODE": "1"}
    # The defaults, but for a log that says all it can.
    with start(LOG_LEVEL="DEBUG", **environment) as service:
        before = everything_in(PROJECT_ROOT, *homes.values())
        answers = send(service, requests)
        assert service.stop() == 0
        after = everything_in(PROJECT_ROOT, *homes.values())

    assert after == before
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 400, 404, 405, 415}
    assert statuses[200] >= REQUESTS / 4
    assert_nothing_private_in(service.log, requests, answers)


def assert_nothing_private_in(log: str, requests: Sequence[Sent], answers: Sequence[httpx.Response]) -> None:
    assert log.count(" path=/predict ") + log.count(" path=/upload ") + log.count(" path=other ") == len(answers)
    for text in ("data:image", "base64,", "iVBOR", "/9j/", FILE_NAME, "anna", KEY, "api_key"):
        assert text not in log
    # Times are numbers, too, and now and then the same ones.
    words = re.sub(r"^\S+Z |ms=\S+|bytes_out=\d+", "", log, flags=re.MULTILINE)
    for answer in answers:
        if answer.status_code == 200:
            for eye in eyes_of(answer):
                assert eye["best_prediction"] not in words
                numbers = [*eye.get("average_scores", {}).values(), eye.get("confidence"), eye.get("unfamiliarity")]
                for number in numbers:
                    assert not re.search(rf"(?<![\d.]){re.escape(str(number))}(?![\d.])", words)
    # Neither pixels as numbers nor any piece of a picture's base64.
    assert not re.search(r"\[\s*\d+[\s,]+\d+[\s,]+\d+", words)
    texts = [*sent_pictures(requests), *shown_pictures(answers)]
    for piece in {word[:16] for word in re.findall(r"[A-Za-z0-9+/]{16,}", words)}:
        assert not any(piece in text for text in texts), piece


def eyes_of(answer: httpx.Response) -> list[dict[str, Any]]:
    content = answer.json()
    eyes = content.get("body", content)
    return [eyes["left_eye"], eyes["right_eye"]]


def sent_pictures(requests: Sequence[Sent]) -> set[str]:
    bodies = [options.get("json", []) for _, _, options in requests]
    pictures = [picture for body in bodies for picture in (body if isinstance(body, list) else [body])]
    return {picture["image"] for picture in pictures if "image" in picture}


def shown_pictures(answers: Sequence[httpx.Response]) -> set[str]:
    eyes = [eye for answer in answers if answer.status_code == 200 for eye in eyes_of(answer)]
    return {eye[name] for eye in eyes for name in ("image_preview", "grad_cam_preview") if eye.get(name)}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_what_is_saved_has_random_names_and_goes_when_its_time_is_up_also_after_a_crash(
    start: Start, tmp_path: Path, face: RgbImage, eye_photo: RgbImage
) -> None:
    frames, eyes = tmp_path / "frames", tmp_path / "eyes"
    folders = {"TEMP_IMAGES_DIR": str(frames), "SAVED_EYES_DIR": str(eyes), "SUPERVISE": "false"}
    with start(SAVE_TEMP_IMAGES="true", SAVE_EYES="true", **folders) as service:
        answers = send(service, kinds_of_requests(face, eye_photo))
        # Four faces of two eyes, one photo of an eye; one frame of noise.
        wait_until(
            lambda: (len(names_in(frames)), len(names_in(eyes))) == (6, 9), "six frames and the nine eyes in them"
        )
        service.send_signal(signal.SIGKILL)
        service.wait()
    saved = names_in(frames, eyes)

    assert sum(answer.status_code == 200 for answer in answers) == 4
    assert all(_PICTURE_NAME.fullmatch(name) for name in saved)
    assert len(set(saved)) == len(saved)

    # A later process deletes what one left that had no time to; also when it saves nothing itself.
    with start(wait_until_healthy=False, IMAGE_RETENTION_HOURS="0.0001", **folders):
        wait_until(lambda: not names_in(frames, eyes), "the end of all that was saved")
