"""The audit is never green because nobody was asked."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from requirements import audit
from requirements.audit import Hole, holes_in, rounds
from requirements.lock import read_lock

HOLE = {"id": "PYSEC-2022-8", "fix_versions": ["9.0.1"], "aliases": ["CVE-2022-22815"], "description": "..."}


def report(name: str, version: str, *holes: dict[str, Any]) -> dict[str, Any]:
    return {"dependencies": [{"name": name, "version": version, "vulns": list(holes)}], "fixes": []}


def answers_of_pip_audit(monkeypatch: pytest.MonkeyPatch, *outputs: str) -> None:
    """The program is not part of the tests' environment; these are outputs of the kind that it was seen to print."""
    remaining = iter(outputs)

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, next(remaining), "ConnectionError: no such host")

    monkeypatch.setattr(subprocess, "run", run)


def test_a_hole_has_all_its_names() -> None:
    (hole,) = holes_in(report("pillow", "9.0.0", HOLE))
    assert hole == Hole("pillow", "9.0.0", ("PYSEC-2022-8", "CVE-2022-22815"), ("9.0.1",))
    assert str(hole) == "pillow 9.0.0: PYSEC-2022-8, CVE-2022-22815 (fixed in 9.0.1)"


def test_each_version_is_asked_for_once_and_no_list_has_a_package_twice() -> None:
    pins = {("numpy", "1.26.4"), ("numpy", "2.2.6"), ("six", "1.17.0")}
    lists = rounds(pins)
    assert sorted(pin for pins in lists for pin in pins) == sorted(pins)
    assert all(len(names := [name for name, _ in pins]) == len(set(names)) for pins in lists)


@pytest.mark.parametrize(
    "output",
    [
        "",
        json.dumps({"dependencies": [{"name": "pillow", "skip_reason": "not found"}], "fixes": []}),
        json.dumps(report("pillow", "9.0.0")),
    ],
    ids=["no answer", "skipped", "a database that knows nothing"],
)
def test_a_database_that_does_not_answer_is_said_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    answers_of_pip_audit(monkeypatch, output)
    assert audit.main([]) == audit.NOT_ASKED
    assert "NOT ASKED" in capsys.readouterr().out


def test_an_unanswered_hole_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(audit, "ROOT", tmp_path)
    monkeypatch.setattr(audit, "ANSWERS", tmp_path / "security.md")
    monkeypatch.setattr(audit, "LOCKS", [tmp_path / "run.txt"])
    audit.ANSWERS.write_text("See CVE-2022-22815.\n", encoding="utf-8")
    audit.LOCKS[0].write_text("pillow==9.0.0 --hash=sha256:0\n", encoding="utf-8")
    found = json.dumps(report("pillow", "9.0.0", HOLE))

    answers_of_pip_audit(monkeypatch, found, found)
    assert audit.main([]) == audit.UNANSWERED
    assert "not answered in security.md: pillow 9.0.0: PYSEC-2022-8" in capsys.readouterr().out

    audit.ANSWERS.write_text("| CVE-2022-22815 | pillow 9.0.0 | no | ... |\n", encoding="utf-8")
    answers_of_pip_audit(monkeypatch, found, found)
    assert audit.main([]) == audit.CLEAN


def test_every_answer_is_about_a_version_that_is_locked() -> None:
    """An answer outlives its hole when the version changes."""
    rows = re.findall(r"^\| (?:CVE|GHSA|PYSEC)-[\w-]+ \| ([^|]+) \|", audit.ANSWERS.read_text(encoding="utf-8"), re.M)
    locked = {(package.name, package.version) for lock in audit.LOCKS for package in read_lock(lock)}
    assert rows
    for row in rows:
        name = ""
        for answered in row.split(", "):
            # Of a package that is named once, several versions may stand there.
            *names, version = answered.split()
            (name,) = names or [name]
            assert (name, version) in locked
