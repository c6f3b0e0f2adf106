"""What is printed in the server process comes into the log, a bearable number of lines, and last words always."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from src.supervisor.printed import Printed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork, and no supervisor")


def printed_by(action: Callable[[], object]) -> Printed:
    """The pipe after a child has done something with it as its standard output and error."""
    printed = Printed()
    child = os.fork()
    if child == 0:
        try:
            printed.take_over()
            action()
        finally:
            os._exit(0)
    printed.leave_to_the_server()
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        printed.show()
    return printed


def shown(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "eyenet.printed"]


def test_what_is_printed_to_either_is_a_line_of_the_log_each(caplog: pytest.LogCaptureFixture) -> None:
    printed_by(lambda: (os.write(1, b"one\n\ntw"), os.write(2, b"o\nthree"))).show_last_words()
    assert shown(caplog) == ["one", "two", "three"]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_nothing_that_is_printed_looks_like_a_line_of_the_log_or_moves_a_cursor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    printed_by(lambda: os.write(2, b"a\x1b[2Jb\rc\xff\n" + b"x" * 5000 + b"\n")).show_last_words()
    assert shown(caplog) == ["a?[2Jb?c\N{REPLACEMENT CHARACTER}", "x" * 1000]


def test_fifty_thousand_lines_are_a_few_and_a_number_and_the_last_ones(caplog: pytest.LogCaptureFixture) -> None:
    def flood() -> None:
        for number in range(50_000):
            os.write(2, b"libpng warning: line %d\n" % number)
        os.write(2, b"thread 'main' panicked\n")

    printed_by(flood).show_last_words()
    lines = shown(caplog)
    assert len(lines) == 200 + 1 + 20
    assert lines[199:201] == ["libpng warning: line 199", "49801 more lines were printed within a minute"]
    assert lines[-2:] == ["libpng warning: line 49999", "thread 'main' panicked"]


def test_who_prints_after_the_supervisor_is_gone_is_not_held_up() -> None:
    printed = Printed()
    child = os.fork()
    if child == 0:
        printed.take_over()
        try:
            for _ in range(1_000):
                os.write(2, b"x" * 4096)
        except BrokenPipeError:
            os._exit(17)
        os._exit(0)
    printed.close()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_nothing_is_left_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    printed_by(lambda: None).show_last_words()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
