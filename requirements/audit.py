"""`make audit`: asks a database of known holes about every locked version, and whether docs/security.md answers.

Exit codes: 0 nothing is known that is not answered, 1 something is, 2 the database could not be asked. pip-audit alone
calls it success when the database knows none of the packages, so first it is asked for a version with known holes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from requirements.lock import read_lock

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements" / "locks").glob("*.txt"))
ANSWERS = ROOT / "docs" / "security.md"

CLEAN, UNANSWERED, NOT_ASKED = 0, 1, 2

_KNOWN_TO_HAVE_HOLES = ("pillow", "9.0.0")
_ANSWERED = re.compile(r"^\| ((?:CVE|GHSA|PYSEC)-[\w-]+) \|", re.MULTILINE)
_DEADLINE_S = 600

Pin = tuple[str, str]


class NotAskedError(Exception):
    """The database gave no answer, or none that can be believed."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A known hole in a version that is locked; `ids` are all its names."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]

    def __str__(self) -> str:
        fixed = f"fixed in {', '.join(self.fixed_in)}" if self.fixed_in else "no version without it is known"
        return f"{self.package} {self.version}: {', '.join(self.ids)} ({fixed})"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi", help="the database to ask")
    service = parser.parse_args(arguments).service
    try:
        holes = ask_about_everything(service)
    except NotAskedError as problem:
        print(f"audit: NOT ASKED, so nothing is known: {problem}")
        return NOT_ASKED
    answered = set(_ANSWERED.findall(ANSWERS.read_text(encoding="utf-8")))
    unanswered = [hole for hole in holes if not answered.intersection(hole.ids)]
    for hole in unanswered:
        print(f"audit: not answered in {ANSWERS.relative_to(ROOT)}: {hole}")
    print(f"audit: {len(holes)} known holes, {len(unanswered)} of them without an answer")
    return UNANSWERED if unanswered else CLEAN


def ask_about_everything(service: str) -> list[Hole]:
    """Known holes in all that is locked, for every Python and system.

    Raises:
        NotAskedError: also if only some packages were asked for.
    """
    if not holes_in(ask([_KNOWN_TO_HAVE_HOLES], service)):
        raise NotAskedError(f"the database has nothing on {' '.join(_KNOWN_TO_HAVE_HOLES)}, which has known holes")
    pins = {(package.name, package.version) for lock in LOCKS for package in read_lock(lock)}
    return [hole for round_ in rounds(pins) for hole in holes_in(ask(round_, service))]


def rounds(pins: Iterable[Pin]) -> list[list[Pin]]:
    """The same pins in lists that name each package once, which is what pip-audit takes."""
    result: list[dict[str, str]] = []
    for name, version in sorted(pins):
        for names in result:
            if name not in names:
                names[name] = version
                break
        else:
            result.append({name: version})
    return [list(names.items()) for names in result]


def ask(pins: Iterable[Pin], service: str) -> dict[str, Any]:
    """The report of pip-audit.

    Raises:
        NotAskedError: it ended without one.
    """
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text("".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8")
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
        options = ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"]
        try:
            run = subprocess.run(command + options, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)
        except subprocess.TimeoutExpired:
            raise NotAskedError(f"no answer within {_DEADLINE_S} s") from None
    try:
        return dict(json.loads(run.stdout))
    except ValueError:
        last_line = (run.stderr.strip().splitlines() or [f"pip-audit ended with {run.returncode}"])[-1]
        raise NotAskedError(last_line) from None


def holes_in(report: dict[str, Any]) -> list[Hole]:
    """What a report of pip-audit found.

    Raises:
        NotAskedError: a package was skipped.
    """
    skipped = [
        f"{package['name']}: {package['skip_reason']}" for package in report["dependencies"] if "skip_reason" in package
    ]
    if skipped:
        raise NotAskedError(f"{len(skipped)} of {len(report['dependencies'])} packages were skipped. {skipped[0]}")
    return [
        Hole(package["name"], package["version"], (found["id"], *found["aliases"]), tuple(found["fix_versions"]))
        for package in report["dependencies"]
        for found in package["vulns"]
    ]


if __name__ == "__main__":
    sys.exit(main())
