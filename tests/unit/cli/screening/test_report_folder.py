"""The report is its owner's only, and nobody else's files are touched."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from src.cli.screening.report_folder import ReportFolder, is_report
from src.core.errors import StartupError
from src.utils.files import write_then_rename


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


def test_a_report_whose_parts_stand_open_is_shut(tmp_path: Path) -> None:
    report = ReportFolder(tmp_path)
    report.prepare()
    for path in (report.folder, report.results, report.preview("x").parent):
        path.chmod(0o777)
    report.prepare()
    assert [mode(path) for path in (report.folder, report.results, report.preview("x").parent)] == [0o700, 0o600, 0o700]


def test_where_permissions_cannot_be_set_it_is_written_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on FAT and on some network drives."""

    def refuse(_path: Path, _mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    for _ in range(2):
        ReportFolder(tmp_path).prepare()
        write_then_rename(ReportFolder(tmp_path).page, b"page")
    assert ReportFolder(tmp_path).page.read_bytes() == b"page"
    assert [record.message for record in caplog.records] == [
        f"who may read {tmp_path} cannot be set (Operation not permitted): see that only those can who should"
    ]


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
