"""Log lines have one form, go to standard output, and libraries do not put theirs between."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.common.waiting import wait_until
from src.config.logging import configure_logging
from src.config.settings import PROJECT_ROOT


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, raises = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raises


def test_a_line_says_when_in_utc_how_severe_and_from_where(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO")
    logging.getLogger("eyenet.test").info("key=%s", "value")
    line = capsys.readouterr().out
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO eyenet\.test key=value\n", line)


@pytest.mark.parametrize(("level", "shown"), [("DEBUG", 3), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)])
def test_what_is_less_severe_than_the_level_is_not_logged(
    capsys: pytest.CaptureFixture[str], level: str, shown: int
) -> None:
    configure_logging(level)
    log = logging.getLogger("eyenet.test")
    log.debug("debug")
    log.info("info")
    log.warning("warning")
    assert len(capsys.readouterr().out.splitlines()) == shown


def test_as_json_a_line_is_an_object_with_its_pairs_as_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json")
    log = logging.getLogger("eyenet.test")
    log.info("id=%s status=%d ms=%.1f infer_ms=%.1f level=x params=x empty=", "4711", 200, 12.34, 5)
    log.warning("not all\nkey=%s", "value \N{EYE}")
    try:
        raise ValueError("reason")
    except ValueError:
        log.exception("failed")
    request, words, failure = map(json.loads, capsys.readouterr().out.splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", request.pop("time"))
    assert request == {
        "level": "INFO",
        "logger": "eyenet.test",
        "message": "id=4711 status=200 ms=12.3 infer_ms=5.0 level=x params=x empty=",
        "id": "4711",
        "status": "200",
        "ms": 12.3,
        "infer_ms": 5.0,
        "params": "x",
        "empty": "",
    }
    assert words["message"] == "not all\nkey=value \N{EYE}"
    assert set(words) == {"time", "level", "logger", "message"}
    assert failure["level"] == "ERROR"
    assert "ValueError: reason" in failure["traceback"]


@pytest.mark.parametrize("library", ["robyn", "asyncio", "PIL", "PIL.PngImagePlugin", "tensorflow", "h5py"])
def test_libraries_are_heard_only_when_they_warn(capsys: pytest.CaptureFixture[str], library: str) -> None:
    configure_logging("DEBUG")
    logging.getLogger(library).info("pixels of a user")
    assert capsys.readouterr().out == ""
    logging.getLogger(library).warning("something is wrong")
    assert "something is wrong" in capsys.readouterr().out


# Logs as the server does, or as the supervisor does. What it is asked for on standard input it logs and says so there.
PROGRAM = """
import logging, sys
from src.config.logging import configure_logging, log_if_it_can_be_written, log_on_a_thread
from src.config.process import exit_at_once
configure_logging("INFO")
{how}()
log = logging.getLogger("eyenet.test")
for line in sys.stdin:
    for number in range(int(line)):
        log.info("line %d %s", number, "x" * 1000)
    print("done", file=sys.stderr, flush=True)
exit_at_once(5)
"""
HOWS = ["log_on_a_thread", "log_if_it_can_be_written"]
not_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="there is no supervisor on Windows")


@contextlib.contextmanager
def logging_to(output: int, how: str) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", PROGRAM.format(how=how)]
    with subprocess.Popen(command, cwd=PROJECT_ROOT, stdin=pipe, stdout=output, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def log_lines(process: subprocess.Popen[str], count: int) -> None:
    """Returns once the process has gone on."""
    assert process.stdin is not None
    assert process.stderr is not None
    print(count, file=process.stdin, flush=True)
    assert process.stderr.readline() == "done\n"


def end(process: subprocess.Popen[str]) -> int:
    assert process.stdin is not None
    process.stdin.close()
    return process.wait(60)


def messages(text: bytes) -> list[str]:
    return [line.split(" ", 3)[3].rstrip("x").strip() for line in text.decode().splitlines()]


def lost_of(said: list[str]) -> int:
    """How many lines were dropped, as all notices together say."""
    return sum(int(line.split()[0]) for line in said if "were dropped" in line)


def flood_of(said: list[str]) -> list[int]:
    """The numbers of the lines of the first request that were kept: every later one begins with 0 again."""
    numbers = [int(line.split()[1]) for line in said if line.startswith("line ")]
    return numbers[: numbers.index(0, 1)] if 0 in numbers[1:] else numbers


@not_on_windows
@pytest.mark.parametrize("how", HOWS)
def test_a_pipe_that_nobody_reads_holds_nobody_up_and_later_it_is_said_what_was_lost(how: str) -> None:
    reading, writing = os.pipe()
    try:
        with logging_to(writing, how) as process:
            log_lines(process, 10_000)
            os.set_blocking(reading, False)
            read, asked = b"", 10_000

            def read_until_said() -> bool:
                nonlocal read, asked
                with contextlib.suppress(BlockingIOError):
                    while True:
                        read += os.read(reading, 1 << 16)
                log_lines(process, 1)
                asked += 1
                said = messages(read)
                return len(flood_of(said)) + lost_of(said) >= 10_000

            # There may be more than one notice: now and then a line finds a place in the middle of the flood.
            wait_until(read_until_said, "lines that say it")
            said = messages(read)
            first_kept = next(number for number, line in enumerate(said) if "were dropped" in line)
            # In their order, whole, and together with those that were dropped all that there were, none of them twice.
            assert said[:first_kept] == [f"line {number}" for number in range(first_kept)]
            flood = flood_of(said)
            assert flood == sorted(set(flood))
            kept = [line for line in said if "were dropped" not in line]
            assert kept == [f"line {number}" for number in flood] + ["line 0"] * (len(kept) - len(flood))
            assert len(kept) + lost_of(said) <= asked
            assert end(process) == 5
    finally:
        os.close(reading)
        os.close(writing)


@not_on_windows
@pytest.mark.parametrize("how", HOWS)
def test_a_terminal_after_ctrl_s_holds_nobody_up_and_no_end_either(how: str) -> None:
    termios = pytest.importorskip("termios")
    ours, theirs = os.openpty()
    try:
        termios.tcflow(theirs, termios.TCOOFF)
        with logging_to(theirs, how) as process:
            log_lines(process, 10_000)
            assert end(process) == 5
    finally:
        os.close(theirs)
        os.close(ours)


@not_on_windows
@pytest.mark.parametrize("how", HOWS)
def test_what_is_logged_before_the_end_is_written(how: str) -> None:
    reading, writing = os.pipe()
    with logging_to(writing, how) as process:
        os.close(writing)
        log_lines(process, 10)
        assert end(process) == 5
    with os.fdopen(reading, "rb") as output:
        assert messages(output.read()) == [f"line {number}" for number in range(10)]


@not_on_windows
@pytest.mark.parametrize("how", HOWS)
def test_a_full_disk_and_a_closed_pipe_change_nothing(how: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    full = os.open("/dev/full", os.O_WRONLY) if Path("/dev/full").exists() else os.dup(writing)
    try:
        for output in (full, writing):
            with logging_to(output, how) as process:
                log_lines(process, 10)
                assert end(process) == 5
    finally:
        os.close(full)
        os.close(writing)


@pytest.mark.parametrize("how", HOWS)
def test_the_form_of_a_line_stays_and_one_that_cannot_be_made_is_left_out(how: str) -> None:
    a_wrong_one_first = PROGRAM.format(how=how).replace('"line %d %s", number, "x" * 1000', '"%d", number or "x"')
    process = subprocess.run(
        [sys.executable, "-c", a_wrong_one_first],
        cwd=PROJECT_ROOT,
        input="2\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO eyenet\.test 1\n", process.stdout)
    assert process.stderr == "done\n"
