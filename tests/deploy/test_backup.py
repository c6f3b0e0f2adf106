"""An installation that was damaged starts again from its backup."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.common.backend import ServiceProcess
from src.config.settings import ASSETS_DIR, PROJECT_ROOT
from src.services.assets import prepare_assets

MODEL = "src/assets/models/eyenet_model_52k_ds.h5"
CARD = "src/assets/models/eyenet_model_52k_ds.json"
EYE_CASCADE = "src/assets/cascades/haarcascade_eye.xml"
LANDMARKS = "src/assets/shape_predictor_68_face_landmarks.dat"

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the scripts are for bash")

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def installation(tmp_path: Path) -> Path:
    """What the scripts know of an installation, in small."""
    folder = tmp_path / "eyenet backend"
    shutil.copytree(PROJECT_ROOT / "deploy" / "scripts", folder / "deploy" / "scripts")
    for name in (MODEL, CARD, EYE_CASCADE, LANDMARKS, "src/config/settings.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"this is {name}")
    (folder / ".env").write_text("MIN_CONFIDENCE=0.7\n")
    for name in ("temp_images", "saved_eyes"):
        (folder / name).mkdir()
        (folder / name / "somebody.png").write_bytes(b"a picture of a person")
    return folder


@pytest.fixture
def real_installation(installation: Path, tiny_model: Path) -> Path:
    """The same with everything that a start needs, as it is after the first one; the tiny model will do."""
    prepare_assets()
    shutil.rmtree(installation / "src")
    shutil.copytree(ASSETS_DIR.parent, installation / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_ROOT / "main.py", installation)
    shutil.copy(tiny_model, installation / MODEL)
    shutil.copy(tiny_model.with_suffix(".json"), installation / CARD)
    return installation


@pytest.fixture
def run(installation: Path) -> Run:
    def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(installation / "deploy" / "scripts" / script), *map(str, arguments)],
            cwd=installation.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def archive(run: Run, tmp_path: Path) -> Path:
    process = run("backup.sh", tmp_path / "backups")
    assert process.returncode == 0, process.stderr
    return Path(process.stdout.strip())


def test_what_was_damaged_and_lost_is_back_and_the_service_starts(
    real_installation: Path, archive: Path, run: Run, tmp_path: Path
) -> None:
    installation = real_installation
    whole = {name: (installation / name).read_bytes() for name in (MODEL, CARD, EYE_CASCADE, LANDMARKS)}
    (installation / MODEL).write_bytes(whole[MODEL][:1000])
    (installation / CARD).unlink()
    (installation / EYE_CASCADE).write_text("<xml>")
    (installation / LANDMARKS).unlink()
    (installation / ".env").write_text("MIN_CONFIDENCE=0.1\n")

    process = run("restore.sh", archive, "--with-env")

    assert process.returncode == 0, process.stderr
    assert {name: (installation / name).read_bytes() for name in whole} == whole
    assert (installation / ".env").read_text() == "MIN_CONFIDENCE=0.7\n"
    (replaced,) = installation.glob("replaced-*")
    assert (replaced / MODEL).read_bytes() == whole[MODEL][:1000]
    assert (replaced / ".env").read_text() == "MIN_CONFIDENCE=0.1\n"
    assert (installation / MODEL).stat().st_mode & stat.S_IROTH
    assert not list(installation.glob(".restoring-*"))
    with ServiceProcess(tmp_path / "log", root=installation) as service:
        assert service.client.get("/health").json()["message"] == "Healthy"


def test_the_archive_is_its_owners_only_and_holds_no_pictures(archive: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert [file for file in archive.parent.iterdir() if file != archive] == []
    with tarfile.open(archive) as content:
        names = {name.partition("/")[2] for name in content.getnames()}
    assert {MODEL, CARD, EYE_CASCADE, LANDMARKS, ".env", "src/config/settings.py", "SHA256SUMS"} <= names
    assert not [name for name in names if "temp_images" in name or "saved_eyes" in name]


def test_settings_stay_as_they_are_unless_asked_for_and_may_be_missing(
    installation: Path, archive: Path, run: Run, tmp_path: Path
) -> None:
    (installation / ".env").write_text("MIN_CONFIDENCE=0.1\n")
    (installation / "src" / "config" / "settings.py").write_text("# newer code\n")
    assert run("restore.sh", archive).returncode == 0
    assert (installation / ".env").read_text() == "MIN_CONFIDENCE=0.1\n"
    assert (installation / "src" / "config" / "settings.py").read_text() == "# newer code\n"
    assert not list(installation.glob("replaced-*"))
    (installation / ".env").unlink()
    process = run("backup.sh", tmp_path / "without settings")
    assert (process.returncode, process.stderr) == (0, "")
    (installation / CARD).unlink()
    assert run("restore.sh", process.stdout.strip(), "--with-env").returncode == 0
    assert (installation / CARD).exists()
    assert not (installation / ".env").exists()


def test_a_damaged_archive_changes_nothing(installation: Path, archive: Path, run: Run) -> None:
    (installation / CARD).unlink()
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    process = run("restore.sh", archive)
    assert process.returncode == 1
    assert "nothing was changed" in process.stderr
    assert not (installation / CARD).exists()
    assert not list(installation.glob(".restoring-*"))


def test_a_file_that_is_not_what_its_checksum_says_changes_nothing(
    installation: Path, archive: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "opened").mkdir()
    subprocess.run([str(shutil.which("tar")), "-xf", archive, "-C", tmp_path / "opened"], timeout=60, check=True)
    (inside,) = (tmp_path / "opened").iterdir()
    (inside / MODEL).write_bytes(b"something else")
    with tarfile.open(archive, "w") as content:
        content.add(inside, inside.name)
    before = (installation / MODEL).read_bytes()
    process = run("restore.sh", archive)
    assert process.returncode == 1
    assert "checksums above are wrong" in process.stderr
    assert (installation / MODEL).read_bytes() == before


def test_without_a_model_there_is_no_backup_and_one_elsewhere_is_said_to_be_left_out(
    installation: Path, run: Run, tmp_path: Path
) -> None:
    (installation / ".env").write_text("MODEL_PATH=/srv/models/other.h5\n")
    process = run("backup.sh", tmp_path / "elsewhere")
    assert process.returncode == 0
    assert "MODEL_PATH is /srv/models/other.h5" in process.stderr
    (installation / MODEL).unlink()
    process = run("backup.sh", tmp_path / "backups")
    assert process.returncode == 1
    assert "nothing was written" in process.stderr
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.parametrize(
    ("script", "arguments"),
    [("backup.sh", ()), ("backup.sh", ("--help",)), ("restore.sh", ()), ("restore.sh", ("a.tar", "--force"))],
)
def test_a_wrong_command_line_ends_with_exit_code_2(run: Run, script: str, arguments: tuple[str, ...]) -> None:
    process = run(script, *arguments)
    assert process.returncode == 2
    assert process.stderr.startswith("usage: ")


@pytest.mark.parametrize("name", ["backup.sh", "restore.sh"])
def test_shellcheck_finds_nothing(name: str) -> None:
    script = PROJECT_ROOT / "deploy" / "scripts" / name
    shellcheck = shutil.which("shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if shellcheck is None:
        pytest.skip("needs shellcheck: pip install -r requirements/dev.txt")
    process = subprocess.run([shellcheck, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert process.stdout + process.stderr == ""
