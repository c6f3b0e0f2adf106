from __future__ import annotations

from pathlib import Path

import pytest

from lab.chaos.parts import counted_tests, measure_suites

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
    figures = measure_suites(["tests/unit/lab/chaos/test_plan.py"], tmp_path)
    assert figures["exit_code"] == 0
    assert {test["outcome"] for test in figures["tests"]} == {"passed"}
