"""The files of detection are in place after the first start, whole, or the start says which one is missing."""

from __future__ import annotations

import filecmp
import importlib.util
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import ModuleSpec
from pathlib import Path

import cv2
import pytest

from src.config.settings import PROJECT_ROOT
from src.core.errors import StartupError
from src.services.assets import _EYE_CASCADE, _prepare, asset_origins, prepare_assets

TARGETS = (
    "cascades/haarcascade_frontalface_default.xml",
    "cascades/haarcascade_eye.xml",
    "shape_predictor_68_face_landmarks.dat",
)
EYE_CASCADE = "cascades/haarcascade_eye.xml"


def files_below(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def assets_dir(tmp_path: Path) -> Path:
    """All three files are there already, each with a word of its owner in it."""
    for target in TARGETS:
        file = tmp_path / target
        file.parent.mkdir(exist_ok=True)
        file.write_text("the owner's", encoding="utf-8")
    return tmp_path


def test_all_three_files_are_copied_out_of_their_packages(tmp_path: Path) -> None:
    assets = prepare_assets(tmp_path)
    assert files_below(tmp_path) == set(TARGETS)
    packaged = Path(cv2.__file__).parent / "data"
    assert filecmp.cmp(assets.face_cascade, packaged / "haarcascade_frontalface_default.xml", shallow=False)
    assert filecmp.cmp(assets.eye_cascade, packaged / "haarcascade_eye.xml", shallow=False)
    assert assets.landmarks.stat().st_size > 90_000_000


def test_everybody_may_read_them(tmp_path: Path) -> None:
    assert _prepare(_EYE_CASCADE, tmp_path).stat().st_mode & 0o777 == 0o644


def test_the_project_has_them_where_the_specification_lists_them() -> None:
    assets = prepare_assets()
    expected = [PROJECT_ROOT / "src/assets" / target for target in TARGETS]
    assert [assets.face_cascade, assets.eye_cascade, assets.landmarks] == expected
    assert all(file.is_file() for file in expected)


def test_files_that_are_there_are_kept_unless_they_are_empty(assets_dir: Path) -> None:
    (assets_dir / EYE_CASCADE).write_bytes(b"")
    prepare_assets(assets_dir)
    assert (assets_dir / EYE_CASCADE).stat().st_size > 100_000
    kept = [target for target in TARGETS if target != EYE_CASCADE]
    assert all((assets_dir / target).read_text(encoding="utf-8") == "the owner's" for target in kept)


@pytest.mark.parametrize(
    ("target", "package", "distribution"),
    [
        (TARGETS[0], "cv2", "opencv-python-headless"),
        (TARGETS[1], "cv2", "opencv-python-headless"),
        (TARGETS[2], "face_recognition_models", "face-recognition-models"),
    ],
)
@pytest.mark.parametrize("is_installed", [False, True], ids=["not installed", "not whole"])
def test_a_missing_file_stops_the_start_with_a_sentence_that_names_it_and_its_package(
    assets_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    package: str,
    distribution: str,
    is_installed: bool,
) -> None:
    (assets_dir / target).unlink()
    hollow = ModuleSpec(package, None, origin=str(tmp_path / "hollow" / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: hollow if is_installed else None)
    with pytest.raises(StartupError) as stop:
        prepare_assets(assets_dir)
    assert Path(target).name in str(stop.value)
    assert f"pip install --force-reinstall {distribution}" in str(stop.value)


def test_a_folder_that_cannot_be_written_to_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StartupError, match=r"haarcascade_frontalface_default\.xml cannot be written"):
        prepare_assets(tmp_path / "file")


def test_half_a_copy_is_never_taken_for_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_while_copying = []

    def copy_half(source: Path, target: str) -> None:
        Path(target).write_bytes(Path(source).read_bytes()[:1000])
        seen_while_copying.append((tmp_path / EYE_CASCADE).exists())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", copy_half)
    with pytest.raises(StartupError, match="No space left on device"):
        _prepare(_EYE_CASCADE, tmp_path)
    assert seen_while_copying == [False]
    assert files_below(tmp_path) == set()


def test_several_starts_at_once_all_find_a_whole_file(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as starts:
        files = list(starts.map(lambda _start: _prepare(_EYE_CASCADE, tmp_path).read_bytes(), range(32)))
    assert len(set(files)) == 1
    assert files_below(tmp_path) == {EYE_CASCADE}


def test_an_image_build_can_prepare_them_by_one_command() -> None:
    subprocess.run([sys.executable, "-m", "src.services.assets"], cwd=PROJECT_ROOT, timeout=60, check=True)


def test_the_origins_are_those_files_and_nothing_is_written(tmp_path: Path) -> None:
    origins = asset_origins(tmp_path)
    assert [origin.target.relative_to(tmp_path).as_posix() for origin in origins] == list(TARGETS)
    assert all(origin.packaged is not None and origin.packaged.is_file() for origin in origins)
    assert [origin.distribution for origin in origins] == ["opencv-python-headless"] * 2 + ["face-recognition-models"]
    assert list(tmp_path.iterdir()) == []
