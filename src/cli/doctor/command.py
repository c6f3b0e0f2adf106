"""The command `doctor`: every check in its turn, whatever the others find."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TextIO

from src import __version__
from src.cli.doctor.finding import Finding, Status, fail, skip
from src.config.process import wants_colour

if TYPE_CHECKING:
    from src.config.settings import Settings

_CHECKS = (
    "python",
    "packages",
    "processor",
    "memory",
    "settings",
    "model",
    "detection_files",
    "folders",
    "disk",
    "port",
    "tensorflow",
)
_SLOW_CHECKS = ("tensorflow",)
_COLOURS = {Status.OK: "32", Status.WARN: "33", Status.FAIL: "31", Status.SKIP: "2"}


def run_doctor(*, quick: bool, as_json: bool) -> int:
    """Prints what the checks find; returns the exit status: 1 if anything fails.

    Args:
        quick: without TensorFlow and the model.
        as_json: for machines.
    """
    found: list[tuple[str, Finding]] = []
    colour = wants_colour(sys.stdout)
    for check, finding in _examine(quick=quick):
        found.append((check, finding))
        if not as_json:
            _print(check, finding, sys.stdout, colour=colour)
    statuses = [finding.status for _, finding in found]
    failures, warnings = statuses.count(Status.FAIL), statuses.count(Status.WARN)
    if as_json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        print(f"\n{_conclusion(failures, warnings)}")
    return 1 if failures else 0


def _examine(*, quick: bool) -> Iterator[tuple[str, Finding]]:
    settings = _settings()
    for check in _CHECKS:
        if quick and check in _SLOW_CHECKS:
            yield check, skip("not loaded: --quick")
            continue
        for finding in _look(check, settings):
            yield check, finding


def _settings() -> Settings | None:
    try:
        from src.config.settings import load_settings  # noqa: PLC0415  (without pydantic there is no such module)

        return load_settings()
    except Exception:
        # Whatever it is, the check of the settings meets it again and says it.
        return None


def _look(check: str, settings: Settings | None) -> Iterable[Finding]:
    try:
        return list(importlib.import_module(f"src.cli.doctor.checks.{check}").look(settings))
    except ModuleNotFoundError as error:
        return [fail(f"the package {error.name} is missing", "make install, or: pip install -r requirements.txt")]
    except Exception as error:
        # A check that breaks is a finding as well, and the ones after it still have their turn.
        sentence = f"this could not be looked at: {type(error).__name__}: {error}"
        return [fail(sentence, "see whether the packages are whole: pip install --force-reinstall -r requirements.txt")]


def _print(check: str, finding: Finding, out: TextIO, *, colour: bool) -> None:
    mark = f"{finding.status.value:<4}"
    if colour:
        mark = f"\033[{_COLOURS[finding.status]}m{mark}\033[0m"
    print(f"{mark}  {check.replace('_', ' '):<16}{finding.message}", file=out, flush=True)
    if finding.advice is not None:
        print(f"{'':22}-> {finding.advice}", file=out, flush=True)


def _as_json(found: Iterable[tuple[str, Finding]]) -> dict[str, object]:
    return {
        "version": __version__,
        "ok": all(finding.status is not Status.FAIL for _, finding in found),
        "findings": [
            {"check": check, "status": finding.status.value, "message": finding.message, "advice": finding.advice}
            for check, finding in found
        ],
    }


def _conclusion(failures: int, warnings: int) -> str:
    warned = f"{warnings} warning{'s' if warnings != 1 else ''}"
    if failures:
        return f"{failures} of these fail{'s' if failures == 1 else ''}, {warned}."
    return f"Nothing fails, {warned}." if warnings else "Everything is as it should be."
