"""Stop signals go down the line, "ready" comes up, and its end is an order too."""

from __future__ import annotations

import signal

import pytest

from src.supervisor.line import open_line
from src.supervisor.supervisor import can_supervise
from tests.unit.supervisor.program import run_program

pytestmark = pytest.mark.skipif(not can_supervise(), reason="this system has no signals that can be waited for")

SCRIPT = """
import signal, time
from src.config.process import STOP_SIGNALS, block_stop_signals
from src.supervisor.line import open_line
block_stop_signals()
ours, theirs = open_line(0)
theirs.listen()

def wait_for_hurry():
    give_up_at = time.monotonic() + 30
    while not theirs.hurry() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return theirs.hurry()

"""


def output_of(program: str) -> list[str]:
    exit_code, output = run_program(SCRIPT + program)
    assert exit_code == 0
    return output


def test_an_order_arrives_as_the_signal_that_it_is_and_a_second_one_as_hurry() -> None:
    assert output_of(
        "ours.forward(signal.SIGINT)\n"
        "print(signal.sigwait(STOP_SIGNALS).name, theirs.hurry())\n"
        "ours.forward(signal.SIGTERM)\n"
        "print(wait_for_hurry(), signal.sigpending())\n"
    ) == ["SIGINT False", "True set()"]


def test_the_death_of_the_supervisor_arrives_as_a_stop_signal() -> None:
    assert output_of("ours.close()\nprint(signal.sigwait(STOP_SIGNALS).name, theirs.hurry())\n") == ["SIGTERM False"]


def test_its_death_after_an_order_is_no_second_one() -> None:
    assert output_of(
        "ours.forward(signal.SIGTERM)\n"
        "signal.sigwait(STOP_SIGNALS)\n"
        "ours.close()\n"
        "time.sleep(0.2)\n"
        "print(theirs.hurry(), signal.sigpending())\n"
    ) == ["False set()"]


def test_ready_is_known_after_the_other_end_is_gone() -> None:
    ours, theirs = open_line(3)
    assert theirs.restarts == 3
    theirs.tell_ready()
    theirs.close()
    assert ours.was_ready()
    ours.close()


def test_one_that_died_before_was_not_ready() -> None:
    ours, theirs = open_line(0)
    theirs.close()
    assert not ours.was_ready()
    ours.close()


def test_nothing_said_is_not_ready_and_is_not_waited_for() -> None:
    ours, theirs = open_line(0)
    assert not ours.was_ready()
    ours.close()
    theirs.close()


def test_neither_end_minds_that_the_other_one_is_gone() -> None:
    ours, theirs = open_line(0)
    theirs.close()
    ours.forward(signal.SIGTERM)
    ours.close()
    ours, theirs = open_line(0)
    ours.close()
    theirs.tell_ready()
    theirs.close()
