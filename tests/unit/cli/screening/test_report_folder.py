"""The report is its owner's only, and nobody else's files are touched."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from src.cli.screening.report_folder import ReportFolder, is_report
from src.core.errors import StartupError


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_folder_is_its_owners_only(tmp_path: Path) -> None:
    report = ReportFolder(tmp_path / "a" / "report")
    before = os.umask(0)
    try:
        report.prepare()
    finally:
        os.umask(before)
    assert mode(report.folder) == 0o700
    assert mode(report.results) == 0o600
    assert mode(report.preview("x").parent) == 0o700
    assert is_report(report.folder)


def test_an_empty_folder_and_a_report_are_taken_and_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    ReportFolder(tmp_path).prepare()
    assert mode(tmp_path) == 0o700
    (tmp_path / "my notes.txt").touch()
    ReportFolder(tmp_path).prepare()


def test_a_folder_with_something_else_in_it_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    tmp_path.chmod(0o755)
    with pytest.raises(StartupError, match="holds something else than a report"):
        ReportFolder(tmp_path).prepare()
    assert mode(tmp_path) == 0o755
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.docx"]
    with pytest.raises(StartupError, match="cannot be written to"):
        ReportFolder(tmp_path / "thesis.docx").prepare()


def test_only_previews_of_ours_are_deleted(tmp_path: Path) -> None:
    report = ReportFolder(tmp_path)
    report.prepare()
    kept, old, unfinished, foreign = "0" * 16 + "-left_eye.jpg", "1" * 16 + "-left_eye.jpg", ".unfinished-a", "cat.jpg"
    for name in (kept, old, unfinished, foreign):
        report.preview(name).touch()
    report.keep_only_previews({kept})
    assert {file.name for file in (tmp_path / "previews").iterdir()} == {kept, foreign}
