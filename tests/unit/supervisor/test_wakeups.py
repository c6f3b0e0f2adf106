"""The supervisor sleeps until something happens."""

from __future__ import annotations

import pytest

from src.supervisor.supervisor import can_supervise
from tests.unit.supervisor.program import run_program

pytestmark = pytest.mark.skipif(not can_supervise(), reason="this system has no signals that can be waited for")

SCRIPT = """
import os, signal, time
from src.supervisor.wakeups import Wakeups
wakeups = Wakeups()
started = time.monotonic()
"""


def output_of(program: str) -> list[str]:
    exit_code, output = run_program(SCRIPT + program)
    assert exit_code == 0
    return output


def test_a_time_that_is_up_wakes() -> None:
    program = "print(wakeups.next(started + 0.3).name, time.monotonic() - started >= 0.3)"
    assert output_of(program) == ["SIGALRM True"]


def test_a_time_that_was_up_before_wakes_at_once() -> None:
    assert output_of("print(wakeups.next(started - 5).name)") == ["SIGALRM"]


def test_the_end_of_a_child_wakes() -> None:
    program = "os.fork() or os._exit(0)\nprint(wakeups.next(started + 30).name, time.monotonic() - started < 30)"
    assert output_of(program) == ["SIGCHLD True"]


def test_a_pause_ends_at_its_time_whatever_children_do_meanwhile() -> None:
    program = "os.fork() or os._exit(0)\nprint(wakeups.stop_signal_within(0.5), time.monotonic() - started >= 0.5)"
    assert output_of(program) == ["None True"]


def test_a_stop_signal_ends_a_pause_also_when_it_came_before() -> None:
    program = "os.kill(os.getpid(), signal.SIGINT)\nprint(wakeups.stop_signal_within(30).name)"
    assert output_of(program) == ["SIGINT"]


def test_an_old_timer_does_not_end_the_next_pause() -> None:
    program = (
        "os.kill(os.getpid(), signal.SIGALRM)\n"
        "print(wakeups.stop_signal_within(0.5), time.monotonic() - started >= 0.5)"
    )
    assert output_of(program) == ["None True"]
