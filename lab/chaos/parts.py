"""The parts of a run: each measured on its own, its figures saved when it is over, whatever befalls the others."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from lab.chaos.codec import measure_codec
from lab.chaos.overload import measure_bombs, measure_heavy
from lab.chaos.plan import ATTACKS, BOMBS, CODEC, FAILOVER, FAULTS, HEAVY, NETWORK, PARTS, ROUTES, SOAK, Trial
from lab.chaos.routes import measure_routes
from lab.chaos.traffic import measure_attacks, measure_failover, measure_soak
from lab.common.machine import describe_machine
from src.config.settings import PROJECT_ROOT

# Tests that break the start, the disk, the clock and the network: run as they are, and counted.
_START_FAULTS = (
    "tests/contract/test_faults.py",
    "tests/contract/test_supervisor.py",
    # A decoder that hangs, a process that stands still, memory that runs out, a log that nobody reads.
    "tests/contract/test_hangs.py",
    # Saved pictures on disks that fail, and under a clock that jumps.
    "tests/unit/services/test_image_store.py",
)
_NO_NETWORK = ("tests/contract/test_offline.py",)

_MEASURES: Mapping[str, Callable[[Trial], dict[str, Any]]] = {
    CODEC: measure_codec,
    ROUTES: measure_routes,
    ATTACKS: measure_attacks,
    BOMBS: measure_bombs,
    HEAVY: measure_heavy,
    FAILOVER: measure_failover,
    FAULTS: lambda trial: measure_suites(_START_FAULTS, trial.folder),
    NETWORK: lambda trial: measure_suites(_NO_NETWORK, trial.folder),
    SOAK: measure_soak,
}


def measure_part(name: str, trial: Trial, is_quick: bool) -> dict[str, Any]:
    """The figures of a part with its date, its time and its machine; what went wrong with it, where something did."""
    machine = describe_machine()
    started = time.perf_counter()
    figures, error, own = None, None, trial.folder / name
    # What an earlier run of the part left there is not this run's.
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(parents=True)
    trial.say(name)
    try:
        figures = _MEASURES[name](replace(trial, folder=own))
    except Exception as failure:
        # One part that fails must not cost the figures of the others; the page shows that it failed.
        error = f"{type(failure).__name__}: {failure}"
        trial.say(traceback.format_exc())
    return {
        "part": name,
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "minutes": round((time.perf_counter() - started) / 60, 1),
        "quick": is_quick,
        "plan": asdict(trial.plan),
        "machine": machine,
        "error": error,
        "figures": figures,
    }


def save_part(part: Mapping[str, Any], results: Path) -> None:
    """Replaces the figures of this part that were there."""
    results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(part, separators=(",", ":"), default=str)
    (results / f"{part['part']}.json").write_text(text + "\n", encoding="utf-8")


def saved_parts(results: Path) -> dict[str, dict[str, Any]]:
    """The figures that are there, by part, in the order of the page."""
    files = {name: results / f"{name}.json" for name in PARTS}
    return {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}


def measure_suites(files: Sequence[str], folder: Path) -> dict[str, Any]:
    """Every test of the files with its outcome, and the files that are not there."""
    present = [file for file in files if (PROJECT_ROOT / file).is_file()]
    found: dict[str, Any] = {"missing": [file for file in files if file not in present], "tests": [], "exit_code": None}
    if not present:
        return found
    report = folder / "report.xml"
    with (folder / "log").open("wb") as log:
        process = subprocess.run(
            # Every test of them, also those that `make test` leaves out.
            [sys.executable, "-m", "pytest", "-q", "-m", "", f"--junitxml={report}", *present],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    found["exit_code"] = process.returncode
    if report.is_file():
        found["tests"] = counted_tests(report.read_text(encoding="utf-8"))
    return found


def counted_tests(report: str) -> list[dict[str, str]]:
    """The tests of a report in pytest's JUnit format: `name`, a sentence; `outcome`, passed, failed or skipped; and
    `reason`, of a test that was not passed.
    """
    tests = []
    # The report is pytest's own, of this very run.
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314
        test = {"name": case.get("name", "").removeprefix("test_").replace("_", " "), "outcome": "passed", "reason": ""}
        for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
            found = case.find(tag)
            if found is not None:
                test.update(outcome=outcome, reason=found.get("message", "").splitlines()[0][:200])
        tests.append(test)
    return tests
