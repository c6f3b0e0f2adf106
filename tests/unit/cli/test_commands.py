"""The command line explains itself."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from src import __version__
from src.cli.commands import main
from src.config.settings import PROJECT_ROOT


def said_by(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    out, error = capsys.readouterr()
    return end.value.code, out, error


@pytest.mark.parametrize(
    ("command", "words", "exit_codes"),
    [
        ([], ["doctor", "python -m src.cli screen photos --out report", "Not a medical device"], []),
        (["screen"], ["pictures of people", "not a medical device"], ["0", "1", "2", "3", "130"]),
        (["doctor"], ["--json"], ["0", "1", "2", "130"]),
    ],
)
def test_help_has_examples_the_notice_privacy_and_exit_codes(
    capsys: pytest.CaptureFixture[str], command: list[str], words: list[str], exit_codes: list[str]
) -> None:
    code, out, _ = said_by(capsys, *command, "--help")
    assert code == 0
    assert [word for word in words if word not in out] == []
    assert re.findall(r"^  (\d+)  ", out, re.MULTILINE) == exit_codes


@pytest.mark.parametrize(
    "arguments",
    [(), ("dance",), ("screen",), ("screen", "photos"), ("screen", "--out", "report"), ("doctor", "--fast")],
)
def test_a_wrong_command_line_is_2(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, _, error = said_by(capsys, *arguments)
    assert code == 2
    assert "usage: python -m src.cli" in error


def test_it_tells_its_version() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "src.cli", "--version"], cwd=PROJECT_ROOT, capture_output=True, timeout=60, check=True
    )
    assert process.stdout.decode().strip() == f"EyeNet Backend {__version__}"


def test_numpy_finds_its_environment_ready() -> None:
    """OpenBLAS reads it once, when NumPy is imported."""
    source = (PROJECT_ROOT / "src" / "cli" / "__main__.py").read_text(encoding="utf-8")
    assert source.index("prepare_for_numpy()") < source.index("from src.cli.commands")


@pytest.mark.parametrize(
    ("folder", "out", "sentence"),
    [("gone", "report", "gone is not a folder"), ("photos", "photos", "must be another folder")],
)
def test_folders_that_cannot_be_meant_are_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folder: str, out: str, sentence: str
) -> None:
    (tmp_path / "photos").mkdir()
    assert main(["screen", str(tmp_path / folder), "--out", str(tmp_path / out)]) == 2
    assert sentence in capsys.readouterr().err
    assert list((tmp_path / "photos").iterdir()) == []


def test_what_is_wrong_with_the_folders_is_1_without_a_report_and_said_before_tensorflow_is_loaded(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.txt").touch()
    script = (
        "import sys\n"
        "from src.cli.commands import main\n"
        f"assert main(['screen', {str(tmp_path)!r}, '--out', {str(tmp_path / 'report')!r}]) == 1\n"
        "print({'tensorflow', 'dlib'} & set(sys.modules))"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert "there is no picture in" in process.stderr
    assert process.stdout.strip() == "set()"
    assert not (tmp_path / "report").exists()


def test_a_wrong_setting_is_2_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MIN_CONFIDENCE", "2")
    assert main(["screen", str(tmp_path), "--out", str(tmp_path / "report")]) == 2
    assert "MIN_CONFIDENCE is wrong" in capsys.readouterr().err


def test_a_model_that_is_missing_is_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MODEL_PATH", str(tmp_path / "gone.h5"))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    assert main(["screen", str(tmp_path / "photos"), "--out", str(tmp_path / "report")]) == 1
    assert "MODEL_PATH is wrong" in capsys.readouterr().err


def test_the_doctor_can_be_stopped(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_options: bool) -> int:
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("src.cli.doctor.command.run_doctor", interrupted)
    try:
        assert main(["doctor"]) == 130
        assert capsys.readouterr().err == "\ninterrupted\n"
        with pytest.raises(SystemExit, match="143"):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
