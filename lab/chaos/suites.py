"""Test files that break the start, the disk, the clock and the network: run as they are, and counted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from src.config.settings import PROJECT_ROOT

START_FAULTS = (
    "tests/contract/test_faults.py",
    "tests/contract/test_supervisor.py",
    # Saved pictures on disks that fail, and under a clock that jumps.
    "tests/unit/services/test_image_store.py",
)
NO_NETWORK = ("tests/contract/test_offline.py",)


@dataclass(frozen=True, slots=True)
class CountedTest:
    """
    Attributes:
        name: a sentence, as the test has it.
        outcome: passed, failed or skipped.
        reason: of a test that was not passed.
    """

    name: str
    outcome: str
    reason: str = ""


def measure_suites(files: Sequence[str], folder: Path) -> dict[str, Any]:
    """Every test of the files with its outcome, and the files that are not there."""
    present = [file for file in files if (PROJECT_ROOT / file).is_file()]
    found: dict[str, Any] = {"missing": [file for file in files if file not in present], "tests": [], "exit_code": None}
    if not present:
        return found
    report = folder / f"{Path(present[0]).stem}.xml"
    with (folder / f"{Path(present[0]).stem}.log").open("wb") as log:
        process = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *present],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    found["exit_code"] = process.returncode
    if report.is_file():
        found["tests"] = [asdict(test) for test in counted_tests(report.read_text(encoding="utf-8"))]
    return found


def counted_tests(report: str) -> list[CountedTest]:
    """The tests of a report in pytest's JUnit format."""
    # The report is pytest's own, of this very run.
    cases = ET.fromstring(report).iter("testcase")  # noqa: S314
    return [_counted(case) for case in cases]


def _counted(case: ET.Element) -> CountedTest:
    name = case.get("name", "").removeprefix("test_").replace("_", " ")
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = case.find(tag)
        if found is not None:
            return CountedTest(name, outcome, found.get("message", "").splitlines()[0][:200])
    return CountedTest(name, "passed")
