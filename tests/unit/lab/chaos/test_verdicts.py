from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.chaos.parts import counted_tests, measure_suites, saved_parts
from lab.chaos.plan import PAGE_FOLDER
from lab.chaos.verdicts import all_verdicts, latency_rise


@pytest.fixture
def parts() -> dict[str, Any]:
    """The figures that were measured, in which everything held; to be changed by a test."""
    return saved_parts(PAGE_FOLDER / "results")


def broken(parts: dict[str, Any]) -> list[str]:
    """What was found where something did not hold."""
    return [verdict.found for verdict in all_verdicts(parts) if not verdict.met]


def test_when_nothing_broke_everything_held(parts: dict[str, Any]) -> None:
    assert broken(parts) == []
    assert len(all_verdicts(parts)) == 30


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("codec", lambda f: f.update(exit_code=-11)),
        ("codec", lambda f: f.update(strange={"builtins.MemoryError": 1})),
        ("codec", lambda f: f.update(memory_growth=0.06)),
        ("codec", lambda f: f.update(memory_growth=None)),
        ("routes", lambda f: f["bare"].update(survived=False)),
        ("routes", lambda f: f["gateway"].update(problems={"status 500": 1})),
        ("routes", lambda f: f["bare"].update(good_afterwards=None)),
        ("attacks", lambda f: f["attacks"][3].update(backend_lives=False)),
        ("attacks", lambda f: f["attacks"][3].update(error="OSError: no more descriptors")),
        ("attacks", lambda f: f["attacks"][0]["traffic"].update(failed=1)),
        ("attacks", lambda f: f["attacks"][0]["traffic"].update(p99_ms=2001.0)),
        ("attacks", lambda f: f["attacks"][0]["observed"].update(other_shapes=1)),
        ("attacks", lambda f: f["attacks"][1]["observed"].update(smuggled=1)),
        ("bombs", lambda f: f["bombs"][0]["bomb"].update(megabytes=400.0)),
        ("bombs", lambda f: f["bombs"][0]["bomb"].update(seconds=9.0)),
        ("bombs", lambda f: f["bombs"][0]["bomb"].update(printed=1)),
        ("bombs", lambda f: f["bombs"][0].update(backends_live=False)),
        ("bombs", lambda f: f["bombs"][0]["traffic"].update(failed=1)),
        ("bombs", lambda f: f["bombs"][0]["traffic"].update(p99_ms=3001.0)),
        ("heavy", lambda f: f["traffic"].update(slowest_ms=3001.0)),
        ("heavy", lambda f: f["traffic"].update(failed=1)),
        ("heavy", lambda f: f.update(answers={"200": 15, "closed": 1})),
        ("failover", lambda f: f["failed"].append((5.0, "/upload", "502"))),
        ("failover", lambda f: f.update(sent=999)),
        ("faults", lambda f: f["tests"][0].update(outcome="failed")),
        ("faults", lambda f: f["tests"][0].update(outcome="skipped")),
        ("faults", lambda f: f.update(exit_code=2)),
        ("network", lambda f: f["tests"][0].update(outcome="skipped")),
        ("network", lambda f: f.update(missing=["tests/contract/test_offline.py"])),
        ("soak", lambda f: f["failed"].append((5.0, "/upload", "502"))),
        ("soak", lambda f: f.update(seconds=1700.0)),
        ("soak", lambda f: f.update(sent=20_000)),
        ("soak", lambda f: f["poison"].update(sent=1000)),
        ("soak", lambda f: f.update(same_process=False)),
        ("soak", lambda f: f.update(files_left=1)),
        ("soak", lambda f: [s.update(resident_mb=900 + s["at_s"] / 10) for s in f["samples"]]),
        ("soak", lambda f: [s.update(threads=40 + s["at_s"] // 600) for s in f["samples"]]),
        ("soak", lambda f: [s.update(descriptors=60 + s["at_s"] / 60) for s in f["samples"]]),
        ("soak", lambda f: f.update(answered=[(at, 50 + at / 20) for at, _ in f["answered"]])),
    ],
)
def test_one_thing_that_broke_is_one_verdict_that_did_not_hold(
    parts: dict[str, Any], name: str, change: Callable[[dict[str, Any]], object]
) -> None:
    change(parts[name]["figures"])
    assert len(broken(parts)) == 1


def test_a_part_that_was_not_tried_or_failed_itself_held_nothing(parts: dict[str, Any]) -> None:
    del parts["soak"]
    assert broken(parts) == ["not tried"]
    parts["attacks"].update(error="RuntimeError: no backend", figures=None)
    assert broken(parts) == ["the part itself failed: RuntimeError: no backend", "not tried"]


def test_what_was_not_measured_did_not_hold(parts: dict[str, Any]) -> None:
    parts["soak"]["figures"]["samples"] = []
    parts["attacks"]["figures"]["attacks"][0]["traffic"].update(p50_ms=None, p99_ms=None)
    assert broken(parts) == ["inf ms", *["not measured"] * 3]


def test_the_warm_up_counts_for_no_latency(parts: dict[str, Any]) -> None:
    figures = parts["soak"]["figures"]
    figures["answered"] = [(at, 9000.0 if at < 180 else 50.0) for at, _ in figures["answered"]]
    assert latency_rise(figures) == pytest.approx(1.0)


REPORT = """<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite>
<testcase classname="a" name="test_a_full_disk_is_survived"/>
<testcase classname="a" name="test_a_clock_that_jumps"><failure message="assert 1 == 2&#10;more"/></testcase>
<testcase classname="a" name="test_ports"><error message="no fixture">long</error></testcase>
<testcase classname="a" name="test_elsewhere"><skipped message="needs root">long</skipped></testcase>
</testsuite></testsuites>"""


def test_every_test_of_a_report_is_counted_with_its_reason() -> None:
    assert [tuple(test.values()) for test in counted_tests(REPORT)] == [
        ("a full disk is survived", "passed", ""),
        ("a clock that jumps", "failed", "assert 1 == 2"),
        ("ports", "failed", "no fixture"),
        ("elsewhere", "skipped", "needs root"),
    ]


def test_files_that_are_not_there_are_said_to_be_missing(tmp_path: Path) -> None:
    figures = measure_suites(["tests/contract/test_nothing.py"], tmp_path)
    assert figures == {"missing": ["tests/contract/test_nothing.py"], "tests": [], "exit_code": None}


@pytest.mark.chaos
def test_a_file_is_run_and_its_tests_are_counted(tmp_path: Path) -> None:
    figures = measure_suites(["tests/unit/lab/common/test_summary.py"], tmp_path)
    assert figures["exit_code"] == 0
    assert {test["outcome"] for test in figures["tests"]} == {"passed"}
