"""The command `doctor`: every check in its turn, whatever the others find."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from src import __version__
from src.cli.doctor.checks import (
    Finding,
    Status,
    check_disk,
    check_folders,
    check_memory,
    check_packages,
    check_port,
    check_processor,
    check_python,
    check_settings,
    fail,
    skip,
)
from src.cli.doctor.model_checks import check_detection_files, check_model, check_tensorflow
from src.config.process import wants_colour

Check: TypeAlias = Callable[[], Iterable[Finding]]

CHECKS: Final[Mapping[str, Check]] = {
    "python": check_python,
    "packages": check_packages,
    "processor": check_processor,
    "memory": check_memory,
    "settings": check_settings,
    "model": check_model,
    "detection_files": check_detection_files,
    "folders": check_folders,
    "disk": check_disk,
    "port": check_port,
    "tensorflow": check_tensorflow,
}
_SLOW_CHECKS = ("tensorflow",)
_COLOURS = {Status.OK: "32", Status.WARN: "33", Status.FAIL: "31", Status.SKIP: "2"}


def run_doctor(*, quick: bool, as_json: bool, checks: Mapping[str, Check] = CHECKS) -> int:
    """Prints what the checks find; returns the exit status: 1 if anything fails."""
    found: list[tuple[str, Finding]] = []
    colour = wants_colour(sys.stdout)
    for name, check in checks.items():
        findings = [skip("not loaded: --quick")] if quick and name in _SLOW_CHECKS else _findings_of(check)
        for finding in findings:
            found.append((name, finding))
            if not as_json:
                _print(name, finding, colour=colour)
    statuses = [finding.status for _, finding in found]
    failures, warnings = statuses.count(Status.FAIL), statuses.count(Status.WARN)
    if as_json:
        findings_by_check = [
            {"check": check, "status": finding.status.value, "message": finding.message, "advice": finding.advice}
            for check, finding in found
        ]
        print(json.dumps({"version": __version__, "ok": not failures, "findings": findings_by_check}, indent=2))
    else:
        print(f"\n{_conclusion(failures, warnings)}")
    return 1 if failures else 0


def _findings_of(check: Check) -> list[Finding]:
    try:
        return list(check())
    except ModuleNotFoundError as error:
        return [fail(f"the package {error.name} is missing", "make install, or: pip install -r requirements.txt")]
    except Exception as error:
        # A check that breaks is a finding as well, and the ones after it still have their turn.
        sentence = f"this could not be looked at: {type(error).__name__}: {error}"
        return [fail(sentence, "see whether the packages are whole: pip install --force-reinstall -r requirements.txt")]


def _print(check: str, finding: Finding, *, colour: bool) -> None:
    mark = f"{finding.status.value:<4}"
    if colour:
        mark = f"\033[{_COLOURS[finding.status]}m{mark}\033[0m"
    print(f"{mark}  {check.replace('_', ' '):<16}{finding.message}", flush=True)
    if finding.advice is not None:
        print(f"{'':22}-> {finding.advice}", flush=True)


def _conclusion(failures: int, warnings: int) -> str:
    warned = f"{warnings} warning{'s' if warnings != 1 else ''}"
    if failures:
        return f"{failures} of these fail{'s' if failures == 1 else ''}, {warned}."
    return f"Nothing fails, {warned}." if warnings else "Everything is as it should be."
