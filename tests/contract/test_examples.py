"""The examples do what their README says: against the real service, and against one that is busy."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lab.common.backend import ServiceProcess, free_port
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from src.utils.preprocessing import resize
from tests.contract.payloads import data_uri, picture_bytes
from tests.scripted_backend import Reply, ScriptedBackend

EXAMPLES = PROJECT_ROOT / "examples"
NEEDS = {"upload.py": (), "upload.mjs": ("node",), "upload.sh": ("curl", "jq")}
UNREACHABLE = {"upload.py": "No answer", "upload.mjs": "No answer", "upload.sh": "curl: "}
ERROR = {
    "status_code": 503,
    "body": {"error": "The service is busy.", "code": "busy"},
    "message": "The service is busy.",
}


def need(*programs: str) -> None:
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        pytest.skip(
            f"needs {' and '.join(missing)}; Debian, Ubuntu: apt install {' '.join(missing)}".replace("node", "nodejs")
        )


@pytest.fixture(params=NEEDS)
def example(request: pytest.FixtureRequest) -> str:
    need(*NEEDS[request.param])
    return str(request.param)


@pytest.fixture
def photo(tmp_path: Path, face: RgbImage) -> Path:
    file = tmp_path / "a photo.jpg"
    file.write_bytes(picture_bytes(face, "JPEG"))
    return file


def run(
    example: str, service: ServiceProcess | ScriptedBackend | int, *arguments: object, key: str = ""
) -> subprocess.CompletedProcess[str]:
    """Of the service, or the port where there may be none, with the key that the operator gave."""
    starter = {"py": sys.executable, "mjs": "node", "sh": "sh"}[example.rpartition(".")[2]]
    return subprocess.run(
        [starter, EXAMPLES / example, *map(str, arguments)],
        env=os.environ | {"EYENET_URL": url_of(service)} | ({"EYENET_API_KEY": key} if key else {}),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def url_of(service: ServiceProcess | ScriptedBackend | int) -> str:
    return f"http://127.0.0.1:{service if isinstance(service, int) else service.port}"


def scripted(*answers: tuple[int, Any]) -> ScriptedBackend:
    """A service that gives these answers in their order, the last one for ever."""
    left = [
        Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", "Retry-After": "1"})
        for status, content in answers
    ]
    return ScriptedBackend(lambda _request: left.pop(0) if len(left) > 1 else left[0])


@pytest.fixture(scope="module")
def good_answer(service: ServiceProcess, eye_photo: RgbImage) -> dict[str, Any]:
    return dict(service.client.post("/upload", json={"image": data_uri(eye_photo), "eye": "left"}).json())


def test_a_photo_gives_one_line_per_eye_and_the_notice(example: str, service: ServiceProcess, photo: Path) -> None:
    told = run(example, service, photo)
    answer = service.client.post("/upload", json={"image": base64.b64encode(photo.read_bytes()).decode()}).json()

    assert told.stderr == ""
    assert told.returncode == 0
    left, right, notice = told.stdout.splitlines()
    for line, side in ((left, "left_eye"), (right, "right_eye")):
        eye = answer[side]
        expected = f"{side.replace('_', ' ').capitalize()}: {eye['best_prediction']}, {eye['confidence']:.0f} %"
        reasons = f", inconclusive: {', '.join(eye['reasons'])}" if eye["inconclusive"] else ""
        assert line == expected + reasons
    assert "not a medical device" in notice


@pytest.mark.parametrize(
    ("key", "side", "told"),
    [
        ("left_eye", "unknown", ["Eye of unknown side: Stye, 88 %"]),
        ("left_eye", "left", ["Left eye: Stye, 88 %", "Right eye: not seen"]),
        ("right_eye", "right", ["Left eye: not seen", "Right eye: Stye, 88 %"]),
    ],
)
def test_a_single_eye_is_called_left_or_right_only_where_that_is_known(
    example: str, good_answer: dict[str, Any], photo: Path, key: str, side: str, told: list[str]
) -> None:
    unseen = {"best_prediction": "Not Detected"}
    seen = {**good_answer["left_eye"], "side": side, "best_prediction": "Stye", "confidence": 88.4}
    seen |= {"inconclusive": False, "reasons": []}
    with scripted((200, {**good_answer, "left_eye": unseen, "right_eye": unseen, key: seen})) as service:
        lines = run(example, service, photo).stdout.splitlines()

    assert lines == [*told, good_answer["notice"]]


def test_doubts_and_eyes_not_seen_are_told_and_a_key_is_sent_where_there_is_one(
    example: str, good_answer: dict[str, Any], photo: Path
) -> None:
    doubtful = {**good_answer["left_eye"], "inconclusive": True, "reasons": ["blurry", "too_dark"]}
    with scripted((200, {**good_answer, "left_eye": doubtful})) as service:
        told = run(example, service, photo, key="a-key-of-the-operator").stdout.splitlines()
        run(example, service, photo)

    assert told[0].endswith(" %, inconclusive: blurry, too_dark")
    assert told[1] == "Right eye: not seen"
    assert [request.headers.get("x-api-key") for request in service.received] == ["a-key-of-the-operator", None]


def test_an_error_is_a_sentence_with_its_code(example: str, service: ServiceProcess, tmp_path: Path) -> None:
    no_photo = tmp_path / "letter.txt"
    no_photo.write_text("Dear Sir or Madam,", encoding="utf-8")
    told = run(example, service, no_photo)

    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.strip() == (
        "image: the data is not a picture that can be read; send PNG, JPEG, WebP or BMP (not_a_picture)"
    )


def test_a_busy_service_is_asked_again_after_a_while(example: str, good_answer: dict[str, Any], photo: Path) -> None:
    with scripted((503, ERROR), (503, ERROR), (200, good_answer)) as service:
        told = run(example, service, photo)

    assert told.returncode == 0, told.stderr
    assert len(service.received) == 3


def test_it_is_not_asked_for_ever(example: str, photo: Path) -> None:
    with scripted((503, ERROR)) as service:
        told = run(example, service, photo)

    assert told.returncode == 1
    assert "The service is busy. (busy)" in told.stderr
    assert len(service.received) == 4


def test_without_a_service_or_a_photo_it_says_so(example: str, photo: Path) -> None:
    told = run(example, free_port(), photo)
    assert told.returncode == 1
    assert UNREACHABLE[example] in told.stderr
    assert "Traceback" not in told.stderr

    told = run(example, 1)
    assert told.returncode == 2
    assert told.stderr.startswith("Usage: ")


PICK_AND_PREDICT = """
import { readFileSync } from "node:fs";
import { predict, sharpest, sharpness } from "./frames.mjs";
const [file, url] = process.argv.slice(1);
const frames = JSON.parse(readFileSync(file)).map((frame) => ({
  ...frame,
  pixels: { ...frame.pixels, data: Uint8ClampedArray.from(Buffer.from(frame.pixels.data, "base64")) },
}));
const sent = sharpest(frames);
const answer = await predict(url, frames);
console.log(JSON.stringify({ values: frames.map(({ pixels }) => sharpness(pixels)), sent, answer }));
"""


def test_the_five_sharpest_of_six_frames_are_sent_with_what_is_known_of_them_and_answered(
    service: ServiceProcess, face: RgbImage, tmp_path: Path
) -> None:
    """Each is blurrier than the one before; the fourth has a box and a score."""
    need("node")
    frames: list[dict[str, Any]] = []
    for side in (640, 320, 240, 200, 160, 120):
        picture = resize(resize(face, side, side), 640, 640)
        rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
        pixels = {"data": base64.b64encode(rgba.tobytes()).decode(), "width": 640, "height": 640}
        frames.append({"image": data_uri(picture), "pixels": pixels})
    frames[3] |= {"score": 0.9, "box": {"x": 220, "y": 60, "w": 190, "h": 230}}
    file = tmp_path / "frames.json"
    file.write_text(json.dumps(frames[::-1]), encoding="utf-8")
    told = subprocess.run(
        [shutil.which("node") or "", "--input-type=module", "--eval", PICK_AND_PREDICT, str(file), url_of(service)],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    picked = json.loads(told.stdout)

    weights = np.array([0.299, 0.587, 0.114], np.float32)
    laplacian = cv2.Laplacian(face.astype(np.float32) @ weights, cv2.CV_32F, ksize=1)[1:-1, 1:-1]
    assert picked["values"][-1] == pytest.approx(float(laplacian.var()), rel=1e-3)
    assert picked["values"] == sorted(picked["values"])
    sent = picked["sent"]
    assert [frame["image"] for frame in sent] == [frame["image"] for frame in frames[:5]]
    assert [set(frame) for frame in sent] == [{"image", "score", "blur", "box"}] * 5
    assert [frame["blur"] for frame in sent] == sorted(frame["blur"] for frame in sent)
    assert all(0 < frame["blur"] < 1 for frame in sent)
    assert (sent[3]["score"], sent[3]["box"]) == (0.9, {"x": 220, "y": 60, "w": 190, "h": 230})
    assert (sent[0]["score"], sent[0]["box"]) == (None, None)
    eyes = picked["answer"]["body"]
    assert [eyes[side]["frames_seen"] for side in ("left_eye", "right_eye")] == [5, 5]
    assert picked["answer"]["frame_errors"] == []


def test_the_readme_names_every_file() -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = {file.name for file in EXAMPLES.iterdir() if file.is_file()} - {"README.md"}
    assert {name for name in files if f"`{name}`" in readme} == files
