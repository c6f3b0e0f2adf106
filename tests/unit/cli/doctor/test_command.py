"""The doctor tells everything there is to tell, and never breaks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from lab.common.backend import free_port
from src.cli.doctor.checks import Finding, fail, ok, warn
from src.cli.doctor.command import CHECKS, run_doctor
from src.config.settings import PROJECT_ROOT


def doctor(*options: str, python: tuple[str, ...] = (), **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *python, "-m", "src.cli", "doctor", *options],
        cwd=PROJECT_ROOT,
        env=os.environ | {"PORT": str(free_port())} | settings,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def by_check(process: subprocess.CompletedProcess[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(process.stdout)["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    return found


def test_this_installation_is_sound() -> None:
    process = doctor("--json")
    assert process.returncode == 0, process.stdout
    assert json.loads(process.stdout)["ok"] is True
    found = by_check(process)
    assert list(found) == list(CHECKS)
    assert [found[name][0]["status"] for name in ("model", "settings", "folders")] == ["ok"] * 3
    assert len(found["detection_files"]) == 3
    assert "the model loads, fits CLASSES and GRAD_CAM_LAYER, and answers" in found["tensorflow"][0]["message"]


def test_a_layer_that_does_not_fit_is_found_by_loading_the_model() -> None:
    process = doctor(GRAD_CAM_LAYER="absent")
    assert process.returncode == 1
    assert "fail  tensorflow      GRAD_CAM_LAYER is wrong" in process.stdout
    assert "Traceback" not in process.stdout + process.stderr
    # Nothing is coloured but on a terminal.
    assert "\033" not in process.stdout


def test_a_wrong_setting_is_named_and_the_rest_is_looked_at_all_the_same() -> None:
    process = doctor("--json", PORT="none")
    found = by_check(process)
    assert process.returncode == 1
    assert found["settings"][0]["message"].startswith("PORT is wrong")
    assert found["settings"][0]["advice"]
    assert found["packages"][0]["status"] == "ok"
    for check in ("folders", "port", "model", "tensorflow"):
        assert [finding["status"] for finding in found[check]] == ["skip"]


def test_without_any_package_it_says_which_are_missing() -> None:
    """`-S` hides the packages, as if nothing had been installed."""
    process = doctor("--quick", python=("-S",))
    assert process.returncode == 1
    assert "the package pydantic is missing" in process.stdout
    assert "pip install -r requirements.txt" in process.stdout
    assert "ok    python" in process.stdout
    assert process.stderr == ""


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the doctor with checks of the test's own."""

    def run(**checks: Callable[[], Iterable[Finding]]) -> tuple[int, str]:
        return run_doctor(quick=False, as_json=False, checks=checks), capsys.readouterr().out

    return run


@pytest.mark.parametrize(
    ("found", "exit_code", "end"),
    [
        ([ok("fine")], 0, "ok    one             fine\n\nEverything is as it should be.\n"),
        ([ok(""), warn("hm", "mend it")], 0, "hm\n                      -> mend it\n\nNothing fails, 1 warning.\n"),
        ([fail("bad", "mend it"), fail("worse", "mend it")], 1, "\n2 of these fail, 0 warnings.\n"),
    ],
)
def test_failures_fail_and_warnings_do_not(run: Run, found: list[Finding], exit_code: int, end: str) -> None:
    code, out = run(one=lambda: found)
    assert (code, out[-len(end) :]) == (exit_code, end)


def test_a_check_that_breaks_is_a_finding_and_the_next_has_its_turn(run: Run) -> None:
    def breaks() -> Iterator[Finding]:
        yield ok("so far")
        raise RuntimeError("unforeseen")

    code, out = run(one=breaks, two=lambda: [ok("fine")])
    assert code == 1
    assert "this could not be looked at: RuntimeError: unforeseen" in out
    assert "ok    two" in out
