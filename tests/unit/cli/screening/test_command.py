"""A folder through the real service, in processes of their own as people start them: killed, interrupted, finished."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from src.utils.png_writer import encode_png
from tests.html_reader import Reader

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no Ctrl-C for one process"),
    pytest.mark.timeout(720),
]

ODD_NAME = 'nested/OS/=cmd, "ä" 目.png'
MANY = [f"many/{n:03}.png" for n in range(60)]
"""Enough of them that a signal finds a screening at work."""

# Of both eyes, whatever its name says.
TURNED = "turned right.jpg"
NAMED = ["face.png", TURNED, "no_suffix", ODD_NAME, "broken.png", "blank.png"]
# In the order of their names the first: answered by the time the folder changes.
REPLACED, REMOVED = "1 damaged at first.png", "2 removed later.png"

_ROTATED = 6
_PATIENCE = 240


@dataclass
class Story:
    """What was there after each of three runs: killed, interrupted, and come to its end.

    Attributes:
        killed, interrupted: the lines of results after the first and the second run.
        page, said: of the second run, its page and its output.
        out: the report as the third run left it.
        kept: where a server with the same settings would save pictures.
    """

    killed: list[dict[str, Any]]
    page_after_kill: bool
    interrupted: list[dict[str, Any]]
    page: str
    said: str
    process: subprocess.CompletedProcess[str]
    out: Path
    kept: Path

    @property
    def lines(self) -> dict[str, dict[str, Any]]:
        """The last line of each file."""
        return {line["file"]: line for line in lines_of(self.out)}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, face: RgbImage, eye_photo: RgbImage) -> Path:
    """Whole, broken, turned, nested, oddly named, unnamed, and no pictures at all."""
    folder = tmp_path_factory.mktemp("screening") / "photos"
    exif = Image.Exif()
    exif[0x0112] = _ROTATED
    turned = io.BytesIO()
    Image.fromarray(np.rot90(face)).save(turned, "jpeg", quality=95, exif=exif)
    # What JPEG changes is in both.
    upright = np.ascontiguousarray(np.rot90(np.asarray(Image.open(turned)), -1))
    face_png, eye_png = encode_png(upright), encode_png(eye_photo)
    contents = {
        "face.png": face_png,
        TURNED: turned.getvalue(),
        "no_suffix": eye_png,
        ODD_NAME: eye_png,
        "broken.png": face_png[:5000],
        "blank.png": encode_png(np.zeros_like(face)),
        REPLACED: face_png[:5000],
        REMOVED: eye_png,
        "notes.txt": b"left eye itches",
        **dict.fromkeys(MANY, eye_png),
    }
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def story(photos: Path, face: RgbImage) -> Story:
    """With the settings of a server that saves everything."""
    out, kept = photos.parent / "report", photos.parent / "kept"
    results = out / "results.jsonl"
    command = [sys.executable, "-m", "src.cli", "screen", str(photos), "--out", str(out)]
    environment = os.environ | {
        "SAVE_TEMP_IMAGES": "true",
        "SAVE_EYES": "true",
        "TEMP_IMAGES_DIR": str(kept / "frames"),
        "SAVED_EYES_DIR": str(kept / "eyes"),
        "PYTHONIOENCODING": "utf-8",
    }

    def stop(number: signal.Signals, *, at_lines: int) -> tuple[int, str]:
        """Exit code and output of a screening that got this signal once it had written so many lines."""

        def written() -> int:
            return results.read_bytes().count(b"\n") if results.exists() else 0

        said = photos.parent / "said"
        with said.open("wb") as output:
            process = subprocess.Popen(
                command, cwd=PROJECT_ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_until(lambda: written() >= at_lines or process.poll() is not None, f"{at_lines} lines")
            process.send_signal(number)
            return process.wait(_PATIENCE), said.read_text(encoding="utf-8")
        finally:
            if process.poll() is None:
                process.kill()

    assert stop(signal.SIGKILL, at_lines=5)[0] == -signal.SIGKILL
    whole = results.read_bytes()[: results.read_bytes().rfind(b"\n") + 1]
    # What a kill in the middle of a line leaves, which no test can time.
    results.write_bytes(whole + b'{"file": "many/059.png", "si')
    killed, page_after_kill = [json.loads(line) for line in whole.splitlines()], (out / "report.html").exists()

    exit_code, said = stop(signal.SIGINT, at_lines=len(killed) + 10)
    assert exit_code == 130, said
    interrupted, page = lines_of(out), (out / "report.html").read_text(encoding="utf-8")

    (photos / REPLACED).write_bytes(encode_png(face))
    (photos / REMOVED).unlink()
    process = subprocess.run(
        command,
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
    )
    return Story(killed, page_after_kill, interrupted, page, said, process, out, kept)


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


def test_what_was_answered_before_a_kill_stays_answered(story: Story) -> None:
    assert 5 <= len(story.killed) < len(MANY)
    assert not story.page_after_kill
    assert story.interrupted[: len(story.killed)] == story.killed
    assert "was half-written and has been cut off" in story.said
    assert f"{len(story.killed)} are screened already" in story.said


def test_an_interrupted_screening_reports_what_it_has_and_says_how_to_go_on(story: Story) -> None:
    left = len([*NAMED, REPLACED, REMOVED, *MANY]) - len(story.interrupted)
    assert len(story.killed) + 10 <= len(story.interrupted)
    assert left > 0
    assert f"Not finished: {left} pictures" in story.page
    answered = [line for line in story.interrupted if line["refusal"] is None]
    rows = Reader(story.page).having("data-file")
    assert {row["data-file"] for row in rows} == {line["file"] for line in answered}
    assert f"interrupted: {left} pictures are left. To go on: python -m src.cli screen" in story.said
    assert "Traceback" not in story.said


def test_the_next_run_screens_only_what_is_left_and_what_has_changed(story: Story) -> None:
    before = len(story.interrupted)
    lines = lines_of(story.out)
    added = [line["file"] for line in lines[before:]]
    assert lines[:before] == story.interrupted
    assert {REPLACED, REMOVED} <= {line["file"] for line in story.interrupted}
    assert f"{before - 2} are screened already, {len(added)} are left" in story.process.stderr
    assert f"pictures: {len(added)}/{len(added)}, " in story.process.stderr
    answered = {line["file"] for line in story.interrupted} - {REPLACED}
    assert sorted(added) == sorted({*NAMED, REPLACED, *MANY} - answered)
    assert len(story.lines[REPLACED]["eyes"]) == 2
    assert "Not finished" not in (story.out / "report.html").read_text(encoding="utf-8")


def test_files_without_an_answer_are_told_by_the_exit_code_and_by_name(story: Story) -> None:
    process = story.process
    assert process.returncode == 3, process.stderr
    assert "67 pictures, 68 eyes" in process.stdout
    assert "  without an answer: 2" in process.stdout
    assert "broken.png: the picture is cut off" in process.stdout
    assert "blank.png: No valid eye images detected" in process.stdout
    assert "other files, no pictures: 1" in process.stdout
    assert "not a medical device" in process.stdout
    assert "Traceback" not in process.stdout + process.stderr


def test_every_picture_has_its_line_and_a_turned_one_the_answer_of_the_upright_one(story: Story) -> None:
    lines = story.lines
    assert set(lines) == {*NAMED, REPLACED, REMOVED, *MANY}
    assert [eye["side"] for eye in lines["face.png"]["eyes"]] == ["left", "right"]
    assert {eye["best_prediction"] for eye in lines["face.png"]["eyes"]} == {"Healthy"}
    assert [eye["found_by"] for eye in lines["no_suffix"]["eyes"]] == ["eye_finder"]
    assert lines["broken.png"]["refusal"]["code"] == "not_a_picture"
    assert lines["no_suffix"]["sha256"] == lines[ODD_NAME]["sha256"]
    assert lines["face.png"]["faces_seen"] == 1
    for upright, turned in zip(story.lines["face.png"]["eyes"], story.lines[TURNED]["eyes"], strict=True):
        assert (upright["side"], upright["side_from"]) == (turned["side"], turned["side_from"])
        assert turned["box"] == upright["box"]
        # Decoders of JPEG differ in last digits.
        assert turned["average_scores"] == pytest.approx(upright["average_scores"], abs=1)


def test_a_name_says_which_eye_a_picture_of_one_shows(story: Story) -> None:
    said, unsaid = (story.lines[name]["eyes"][0] for name in (ODD_NAME, "no_suffix"))
    assert (said["side"], said["side_from"]) == ("left", "caller")
    assert unsaid["side_from"] != "caller"
    assert said["box"] == unsaid["box"]


def test_the_table_has_a_row_per_eye(story: Story) -> None:
    text = (story.out / "eyes.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert sorted(row["file"] for row in rows) == sorted(
        [*["face.png", TURNED, REPLACED] * 2, "no_suffix", ODD_NAME, *MANY]
    )
    for row in rows:
        scores = [float(value) for name, value in row.items() if name.endswith("_percent") and name[0].isupper()]
        assert sum(scores) == pytest.approx(100, abs=0.05)
        assert max(scores) == float(row["confidence_percent"])


def test_the_page_has_every_eye_with_its_pictures(story: Story) -> None:
    reader = Reader((story.out / "report.html").read_text(encoding="utf-8"))
    eyes = [eye for name, line in story.lines.items() if name != REMOVED for eye in line["eyes"]]
    pictures = [eye[key] for eye in eyes for key in ("preview", "heatmap") if eye[key] is not None]
    assert len(reader.having("data-file")) == len(eyes) == 68
    assert len(reader.references) == len(pictures)
    assert all(reference.startswith("data:image/jpeg;base64,/9j/") for reference in reader.references)
    assert ODD_NAME in reader.text
    # Those of the picture that was removed have gone, and no other.
    assert {file.name for file in (story.out / "previews").iterdir()} == set(pictures)


def test_nobody_else_can_read_it_and_nothing_is_saved_where_the_server_would_save_it(story: Story) -> None:
    everything = [story.out, *story.out.rglob("*")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in everything if file.is_dir()} == {0o700}
    assert {stat.S_IMODE(file.stat().st_mode) for file in everything if file.is_file()} == {0o600}
    assert not story.kept.exists()
