"""A small folder through the real service, in a process of its own, as people start it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT
from src.core.types import RgbImage
from src.utils.image_codec import encode_png
from tests.html_reader import Reader

ODD_NAME = '=cmd, "ä" 目.png'
_ROTATED = 6
_PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, face: RgbImage, eye_photo: RgbImage) -> Path:
    """Whole, broken, turned, nested, oddly named, unnamed, and no pictures at all."""
    folder = tmp_path_factory.mktemp("screening") / "photos"
    (folder / "nested" / "deeper").mkdir(parents=True)
    (folder / "face.png").write_bytes(encode_png(face))
    (folder / "nested" / "deeper" / ODD_NAME).write_bytes(encode_png(eye_photo))
    (folder / "no_suffix").write_bytes(encode_png(eye_photo))
    exif = Image.Exif()
    exif[0x0112] = _ROTATED
    turned = np.asarray(cv2.rotate(face, cv2.ROTATE_90_COUNTERCLOCKWISE), np.uint8)
    Image.fromarray(turned).save(folder / "turned.jpg", quality=95, exif=exif)
    (folder / "broken.png").write_bytes(encode_png(face)[:5000])
    (folder / "blank.png").write_bytes(encode_png(np.zeros_like(face)))
    (folder / "notes.txt").write_text("left eye itches")
    return folder


def command(folder: Path, out: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "src.cli", "screen", str(folder), "--out", str(out), *options]


def screen(folder: Path, out: Path, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, out, *options),
        cwd=PROJECT_ROOT,
        env=os.environ | settings,
        capture_output=True,
        encoding="utf-8",
        timeout=_PATIENCE_SECONDS,
        check=False,
    )


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def screened(photos: Path) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One run, with settings of a server that saves everything."""
    out = photos.parent / "report"
    kept = photos.parent / "kept"
    process = screen(
        photos,
        out,
        SAVE_TEMP_IMAGES="true",
        SAVE_EYES="true",
        TEMP_IMAGES_DIR=str(kept / "frames"),
        SAVED_EYES_DIR=str(kept / "eyes"),
        PYTHONIOENCODING="utf-8",
    )
    return process, out


def test_files_without_an_answer_are_told_by_the_exit_code_and_by_name(
    screened: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    process, _ = screened
    assert process.returncode == 3, process.stderr
    assert "6 pictures, 6 eyes" in process.stdout
    assert "  without an answer: 2" in process.stdout
    assert "broken.png: the picture is damaged or cut off" in process.stdout
    assert "blank.png: No valid eye images detected" in process.stdout
    assert "other files, no pictures: 1" in process.stdout
    assert "not a medical device" in process.stdout
    assert "pictures: 6/6" in process.stderr
    assert "Traceback" not in process.stdout + process.stderr


def test_every_picture_has_its_line(screened: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    lines = {line["file"]: line for line in lines_of(screened[1])}
    assert set(lines) == {
        "face.png",
        f"nested/deeper/{ODD_NAME}",
        "no_suffix",
        "turned.jpg",
        "broken.png",
        "blank.png",
    }
    assert [eye["eye"] for eye in lines["face.png"]["eyes"]] == ["left_eye", "right_eye"]
    assert {eye["best_prediction"] for eye in lines["face.png"]["eyes"]} == {"Healthy"}
    assert [eye["found_by"] for eye in lines["no_suffix"]["eyes"]] == ["whole_picture"]
    assert lines["broken.png"]["refusal"]["code"] == "not_a_picture"
    assert lines["no_suffix"]["sha256"] == lines[f"nested/deeper/{ODD_NAME}"]["sha256"]


def test_a_turned_photo_is_answered_like_the_upright_one(
    screened: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    lines = {line["file"]: line for line in lines_of(screened[1])}
    for upright, turned in zip(lines["face.png"]["eyes"], lines["turned.jpg"]["eyes"], strict=True):
        assert upright["eye"] == turned["eye"]
        # The turned one went through JPEG.
        assert turned["average_scores"] == pytest.approx(upright["average_scores"], abs=5)


def test_the_table_has_a_row_per_eye(screened: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    text = (screened[1] / "eyes.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert sorted(row["file"] for row in rows) == sorted(
        ["face.png", "face.png", f"nested/deeper/{ODD_NAME}", "no_suffix", "turned.jpg", "turned.jpg"]
    )
    for row in rows:
        scores = [float(value) for name, value in row.items() if name.endswith("_percent") and name[0].isupper()]
        assert sum(scores) == pytest.approx(100, abs=0.05)
        assert max(scores) == float(row["confidence_percent"])


def test_the_page_has_every_eye_with_its_pictures(screened: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    reader = Reader((screened[1] / "report.html").read_text(encoding="utf-8"))
    assert len(reader.having("data-file")) == 6
    assert all(reference.startswith("data:image/jpeg;base64,/9j/") for reference in reader.references)
    assert 6 < len(reader.references) <= 12
    assert ODD_NAME in reader.text


def test_nobody_else_can_read_it(screened: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    out = screened[1]
    modes = {stat.S_IMODE(file.stat().st_mode) for file in [out, *out.rglob("*")] if file.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.rglob("*") if file.is_file()} == {0o600}


def test_nothing_is_saved_where_the_server_would_save_it(
    photos: Path, screened: tuple[subprocess.CompletedProcess[str], Path]
) -> None:
    assert screened[0].returncode == 3
    assert not (photos.parent / "kept").exists()


def test_a_second_run_screens_only_what_has_changed(
    photos: Path, screened: tuple[subprocess.CompletedProcess[str], Path], face: RgbImage
) -> None:
    folder, out = photos.parent / "again", photos.parent / "report again"
    shutil.copytree(photos, folder)
    shutil.copytree(screened[1], out)
    before = lines_of(out)
    (folder / "turned.jpg").unlink()
    (folder / "broken.png").write_bytes(encode_png(face))
    process = screen(folder, out)
    assert process.returncode == 3, process.stderr
    assert "4 are screened already, 1 are left" in process.stderr
    added = lines_of(out)[len(before) :]
    assert [line["file"] for line in added] == ["broken.png"]
    assert len(added[0]["eyes"]) == 2
    reader = Reader((out / "report.html").read_text(encoding="utf-8"))
    assert {row["data-file"] for row in reader.having("data-file")} == {
        "face.png",
        "broken.png",
        "no_suffix",
        f"nested/deeper/{ODD_NAME}",
    }
    shown = {
        eye[key]
        for line in lines_of(out)
        if line["file"] != "turned.jpg"
        for eye in line["eyes"]
        for key in ("preview", "heatmap")
    }
    assert {file.name for file in (out / "previews").iterdir()} == shown - {None}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no Ctrl-C for one process")
@pytest.mark.timeout(4 * _PATIENCE_SECONDS)
def test_a_killed_and_then_interrupted_screening_goes_on_where_it_stopped(tmp_path: Path, eye_photo: RgbImage) -> None:
    folder, out = tmp_path / "photos", tmp_path / "report"
    folder.mkdir()
    everything = [f"{n:03}.png" for n in range(120)]
    for name in everything:
        (folder / name).write_bytes(encode_png(eye_photo))

    assert interrupt(folder, out, signal.SIGKILL, at_lines=5) == -signal.SIGKILL
    first = (out / "results.jsonl").read_bytes()
    assert not (out / "report.html").exists()
    survived = first.count(b"\n")
    assert 5 <= survived < len(everything)
    # What a kill in the middle of a line leaves, which no test can time.
    (out / "results.jsonl").write_bytes(first[: first.rfind(b"\n") + 1] + b'{"file": "119.png", "si')

    assert interrupt(folder, out, signal.SIGINT, at_lines=survived + 5) == 130
    second = lines_of(out)
    assert survived + 5 <= len(second) < len(everything)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f"Not finished: {len(everything) - len(second)} pictures" in page
    assert len(Reader(page).having("data-file")) == len(second)
    said = (out.parent / "said").read_text(encoding="utf-8")
    assert "was half-written and has been cut off" in said
    assert f"interrupted: {len(everything) - len(second)} pictures are left. To go on: python -m src.cli screen" in said
    assert "Traceback" not in said

    process = screen(folder, out)
    assert process.returncode == 0, process.stderr
    assert f"{len(second)} are screened already, {len(everything) - len(second)} are left" in process.stderr
    last = lines_of(out)
    assert last[: len(second)] == second
    assert sorted(line["file"] for line in last) == everything
    assert "Not finished" not in (out / "report.html").read_text(encoding="utf-8")


def interrupt(folder: Path, out: Path, number: signal.Signals, *, at_lines: int) -> int:
    """The exit code of a screening that got this signal once it had written so many lines."""
    results = out / "results.jsonl"

    def written() -> int:
        return results.read_bytes().count(b"\n") if results.exists() else 0

    with (out.parent / "said").open("wb") as said:
        process = subprocess.Popen(
            command(folder, out), cwd=PROJECT_ROOT, stdout=said, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
    try:
        wait_until(lambda: written() >= at_lines or process.poll() is not None, f"{at_lines} lines")
        process.send_signal(number)
        return process.wait(_PATIENCE_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
