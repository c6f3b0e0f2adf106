"""What becomes of each way in which a server process may end, and what goes down the line to it and comes up."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT
from src.supervisor.line import open_line
from src.supervisor.supervisor import GAVE_UP, MAX_FAILED_STARTS, Restarts, can_supervise

pytestmark = pytest.mark.skipif(not can_supervise(), reason="this system has no fork")


def run_program(text: str) -> tuple[int, list[str]]:
    """Exit code and lines of standard output of a Python program. Signals would hit the tests, did it run here."""
    process = subprocess.run(
        [sys.executable, "-c", text], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    return process.returncode, process.stdout.splitlines()


NAMELESS = int(signal.SIGRTMIN) + 2 if hasattr(signal, "SIGRTMIN") else None

# `server` is what the child does. It does not see what an earlier child did, hence the number of restarts.
SCRIPT = """
import logging, os, signal, sys, time
from src.config.process import STOP_SIGNALS
from src.supervisor.supervisor import Supervisor
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")

def server(line):
{server}

sys.exit(Supervisor(server, drain_timeout_s=0.0, step_timeout_s={step_timeout_s}).run())
"""


def script(*server: str, step_timeout_s: float = 600.0) -> str:
    return SCRIPT.format(server="\n".join(f"    {line}" for line in server), step_timeout_s=step_timeout_s)


@contextlib.contextmanager
def started(
    *server: str, before: str = "print('there', flush=True)", step_timeout_s: float = 600.0, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A supervisor, once its server process has said that it is there."""
    program = script(*([before] if before else []), *server, step_timeout_s=step_timeout_s)
    streams = {"stdout": subprocess.PIPE} | options
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT_ROOT, text=True, **streams) as process:
        try:
            if before:
                assert process.stdout is not None
                assert process.stdout.readline() == "there\n"
            yield process
        finally:
            process.kill()


def start_and_stop(
    *server: str, number: signal.Signals = signal.SIGTERM, step_timeout_s: float = 600.0
) -> tuple[int, str]:
    """Exit code and output, told to stop as soon as the server process has said that it is there."""
    with started(*server, before="", step_timeout_s=step_timeout_s) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(number)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output


def supervise(*server: str, step_timeout_s: float = 600.0) -> tuple[int, list[str]]:
    return run_program(script(*server, step_timeout_s=step_timeout_s))


@pytest.mark.parametrize("exit_code", [0, 1, 2])
def test_stopped_and_cannot_start_are_last_words(exit_code: int) -> None:
    assert supervise(f"return {exit_code}") == (exit_code, [])


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("17", "with exit code 17"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "by SIGSEGV"),
        pytest.param(
            f"os.kill(os.getpid(), {NAMELESS})",
            f"by signal {NAMELESS}",
            marks=pytest.mark.skipif(not NAMELESS, reason="this system has no real-time signals"),
        ),
    ],
)
def test_any_other_exit_code_is_a_death_and_a_signal_too(end: str, words: str) -> None:
    code, output = supervise(f"return 0 if line.restarts else {end}")
    assert (code, output) == (0, [f"server process ended {words}, restart 1 in 0.5 s"])


@pytest.mark.parametrize("raised", ["ValueError('no')", "SystemExit(0)", "KeyboardInterrupt"])
def test_an_exception_is_logged_and_a_death_and_never_makes_a_second_supervisor(raised: str) -> None:
    code, output = supervise("if line.restarts:", "    return 0", f"raise {raised}")
    assert code == 0
    assert output[0] == "server process failed"
    assert output[-1] == "server process ended with exit code 70, restart 1 in 0.5 s"
    assert sum("restart" in line for line in output) == 1


def test_could_not_start_is_a_death_once_one_was_ready() -> None:
    code, output = supervise(
        "if line.restarts == 0:",
        "    line.beat()",
        "    os.abort()",
        "return 1 if line.restarts == 1 else 0",
    )
    assert code == 0
    assert output == [
        "server process ended by SIGABRT, restart 1 in 0.5 s",
        "server process ended with exit code 1, restart 2 in 0.5 s",
    ]


def test_a_crash_loop_is_given_up() -> None:
    code, output = supervise("os.abort()")
    assert code == GAVE_UP
    assert output[-1] == "server process ended by SIGABRT; giving up: 5 ended, and none of them was ever ready"


SILENT = "os.kill(os.getpid(), signal.SIGSTOP)"


def test_one_that_beats_no_more_is_killed_and_followed_by_another() -> None:
    code, output = supervise("if line.restarts:", "    return 0", "line.beat()", SILENT, step_timeout_s=-3.0)
    assert code == 0
    assert output == [
        "server process has had no heartbeat for 2 s: killed",
        "server process ended by SIGKILL, restart 1 in 0.5 s",
    ]


def test_no_heartbeat_is_owed_before_the_first_one() -> None:
    """A GPU's kernels are translated for minutes."""
    assert supervise("time.sleep(3)", "return 0", step_timeout_s=-4.0) == (0, [])


def test_one_that_stops_owes_no_heartbeat_either() -> None:
    code, output = start_and_stop(
        "line.beat()",
        "print('there', flush=True)",
        "signal.sigwait({signal.SIGTERM})",
        "time.sleep(3)",
        "return 0",
        step_timeout_s=-4.0,
    )
    assert (code, output) == (0, "")


@pytest.mark.parametrize("name", ["SIGHUP", "SIGQUIT", "SIGINT"])
def test_every_stop_signal_is_handed_on_as_what_it_is(name: str) -> None:
    code, output = start_and_stop(
        "print('there', flush=True)",
        "print(signal.sigwait(STOP_SIGNALS).name)",
        "return 0",
        number=signal.Signals[name],
    )
    assert (code, output) == (0, f"{name}\n")


def test_signals_that_mean_nothing_are_noted_and_that_is_all() -> None:
    with started("print(signal.sigwait(STOP_SIGNALS).name)", "return 0") as process:
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
            process.send_signal(number)
            # The kernel hands over the lowest number of those that wait, not the first.
            time.sleep(0.2)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert output == "SIGUSR1 means nothing here\nSIGUSR2 means nothing here\nSIGTERM\n"


def test_last_words_are_logged_before_the_death_is() -> None:
    code, output = supervise(
        "if line.restarts:", "    return 0", "os.write(2, b'free(): invalid pointer')", "os.abort()"
    )
    assert code == 0
    assert output == ["free(): invalid pointer", "server process ended by SIGABRT, restart 1 in 0.5 s"]


def test_systemd_hears_of_the_readiness_of_heartbeats_and_of_the_stop(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        waiting = ["time.sleep(1.5)", "while not signal.sigpending():", "    line.beat()", "    time.sleep(0.1)"]
        with started(*waiting, "return 0", env=environment) as process:
            heard = [systemd.recv(100).decode()]
            while heard[-1] != "READY=1":
                heard.append(systemd.recv(100).decode())
            heard.append(systemd.recv(100).decode())
            process.send_signal(signal.SIGTERM)
            while heard[-1] != "STOPPING=1":
                heard.append(systemd.recv(100).decode())
            assert process.wait(60) == 0
    # It is well while it starts, too, and ready once.
    ready = heard.index("READY=1")
    assert set(heard[:ready]) == set(heard[ready + 1 : -1]) == {"WATCHDOG=1"}


def test_with_a_log_that_nobody_reads_a_silent_one_is_killed_and_the_service_stops_all_the_same() -> None:
    """The pipe is full before the supervisor has said a word."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    server = ["if line.restarts:", "    signal.sigwait(STOP_SIGNALS)", "    return 0", "line.beat()", SILENT]
    try:
        with started(*server, stdout=writing, stderr=writing, before="", step_timeout_s=-4.0) as process:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            first = wait_for(lambda: children.read_text().split())
            wait_for(lambda: set(children.read_text().split()) - set(first))
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    finally:
        os.close(reading)
        os.close(writing)


def wait_for(ask: Callable[[], Collection[str]]) -> Collection[str]:
    """What it answers, once that is not empty."""
    wait_until(lambda: bool(ask()), "an answer")
    return ask()


def test_what_was_printed_before_the_fork_is_printed_once() -> None:
    assert run_program("print('once')\n" + script("return 0")) == (0, ["once"])


def test_a_parent_that_ignores_its_children_does_not_lose_how_they_ended() -> None:
    """SIGCHLD may be handed down ignored; the kernel then forgets children as they end."""
    ignoring = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    assert run_program(ignoring + script("return 2")) == (2, [])


@pytest.mark.parametrize("ends", ["return 0", "return 5"])
def test_a_stop_signal_is_handed_on_and_the_exit_code_is_handed_back(ends: str) -> None:
    code, output = start_and_stop("print('there', flush=True)", "print(signal.sigwait({signal.SIGTERM}).name)", ends)
    assert code == int(ends.split()[1])
    assert output.startswith("SIGTERM\n")
    assert ("ended with exit code 5 while it was stopping" in output) == (code == 5)


def test_one_that_crashes_while_it_stops_is_told_as_shells_tell_it_and_not_restarted() -> None:
    code, output = start_and_stop("print('there', flush=True)", "signal.sigwait({signal.SIGTERM})", "os.abort()")
    assert code == 128 + signal.SIGABRT
    assert output == "server process ended by SIGABRT while it was stopping\n"


def test_signals_are_as_everywhere_in_the_child_but_for_the_blocked_ones() -> None:
    _, output = supervise(
        "print(signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL)",
        "print(*sorted(number.name for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])), flush=True)",
        "return 0",
    )
    assert output == ["True", "SIGHUP SIGINT SIGQUIT SIGTERM SIGUSR1 SIGUSR2"]


def test_a_system_without_forks_and_signal_masks_is_told_apart_and_can_import_it_all() -> None:
    """As Windows is."""
    missing = "del os.fork, signal.SIGCHLD, signal.SIGALRM, signal.SIGKILL, signal.sigwait, signal.pthread_sigmask\n"
    program = f"import os, signal, subprocess\n{missing}import main\nprint(main.can_supervise())"
    assert run_program(program) == (0, ["False"])


def test_pauses_double_while_none_gets_ready_and_then_it_is_given_up() -> None:
    restarts = Restarts()
    assert restarts.count == 0
    delays = [restarts.delay_after(was_ready=False) for _ in range(MAX_FAILED_STARTS)]
    assert delays == [0.5, 1.0, 2.0, 4.0, None]
    # Giving up is none.
    assert restarts.count == MAX_FAILED_STARTS - 1


def test_once_one_was_ready_nothing_is_given_up_but_pauses_are_no_longer_than_half_a_minute() -> None:
    """Requests hit a server process while it loads, too."""
    restarts = Restarts()
    restarts.delay_after(was_ready=True)
    delays = [restarts.delay_after(was_ready=False) for _ in range(1100)]
    assert delays[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert set(delays[8:]) == {30.0}


def test_one_that_is_ready_again_shortens_the_pauses_and_is_followed_at_once_however_often() -> None:
    restarts = Restarts()
    for _ in range(MAX_FAILED_STARTS - 1):
        restarts.delay_after(was_ready=False)
    assert {restarts.delay_after(was_ready=True) for _ in range(10 * MAX_FAILED_STARTS)} == {0.5}
    assert restarts.delay_after(was_ready=False) == 0.5


WAKEUPS = """
import os, signal, time
from src.supervisor.wakeups import Wakeups
wakeups = Wakeups()
started = time.monotonic()
"""


@pytest.mark.parametrize(
    ("program", "output"),
    [
        ("print(wakeups.next(started + 0.3).name, time.monotonic() - started >= 0.3)", "SIGALRM True"),
        ("print(wakeups.next(started - 5).name)", "SIGALRM"),
        (
            "os.fork() or os._exit(0)\nprint(wakeups.next(started + 30).name, time.monotonic() - started < 30)",
            "SIGCHLD True",
        ),
        (
            "os.fork() or os._exit(0)\nprint(wakeups.stop_signal_within(0.5), time.monotonic() - started >= 0.5)",
            "None True",
        ),
        ("os.kill(os.getpid(), signal.SIGINT)\nprint(wakeups.stop_signal_within(30).name)", "SIGINT"),
        (
            "os.kill(os.getpid(), signal.SIGALRM)\n"
            "print(wakeups.stop_signal_within(0.5), time.monotonic() - started >= 0.5)",
            "None True",
        ),
    ],
    ids=[
        "a time that is up wakes",
        "a time that was up before wakes at once",
        "the end of a child wakes",
        "a pause ends at its time whatever children do meanwhile",
        "a stop signal ends a pause also when it came before",
        "an old timer does not end the next pause",
    ],
)
def test_what_wakes_and_what_does_not(program: str, output: str) -> None:
    assert run_program(WAKEUPS + program) == (0, [output])


LINE = """
import signal, time
from src.config.process import STOP_SIGNALS, block_signals
from src.supervisor.line import open_line
block_signals()
ours, theirs = open_line(0)
theirs.listen()

def wait_for_hurry():
    give_up_at = time.monotonic() + 30
    while not theirs.hurry() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return theirs.hurry()

"""


@pytest.mark.parametrize(
    ("program", "output"),
    [
        (
            "ours.forward(signal.SIGINT)\n"
            "print(signal.sigwait(STOP_SIGNALS).name, theirs.hurry())\n"
            "ours.forward(signal.SIGTERM)\n"
            "print(wait_for_hurry(), signal.sigpending())\n",
            ["SIGINT False", "True set()"],
        ),
        ("ours.close()\nprint(signal.sigwait(STOP_SIGNALS).name, theirs.hurry())\n", ["SIGTERM False"]),
        (
            "ours.forward(signal.SIGTERM)\n"
            "signal.sigwait(STOP_SIGNALS)\n"
            "ours.close()\n"
            "time.sleep(0.2)\n"
            "print(theirs.hurry(), signal.sigpending())\n",
            ["False set()"],
        ),
    ],
    ids=[
        "an order arrives as the signal that it is and a second one as hurry",
        "the death of the supervisor arrives as a stop signal",
        "its death after an order is no second one",
    ],
)
def test_the_line_hands_orders_down(program: str, output: list[str]) -> None:
    assert run_program(LINE + program) == (0, output)


def test_a_heartbeat_is_heard_once_and_after_the_other_end_is_gone() -> None:
    ours, theirs = open_line(3)
    assert theirs.restarts == 3
    theirs.beat()
    theirs.beat()
    assert ours.heard_a_beat()
    assert not ours.heard_a_beat()
    theirs.beat()
    theirs.close()
    assert ours.heard_a_beat()
    ours.close()


def test_who_beats_does_not_wait_for_a_supervisor_that_does_not_listen() -> None:
    ours, theirs = open_line(0)
    for _ in range(10_000):
        theirs.beat()
    assert ours.heard_a_beat()
    ours.close()
    theirs.close()


def test_nothing_said_is_no_heartbeat_and_neither_end_minds_that_the_other_one_is_gone() -> None:
    ours, theirs = open_line(0)
    assert not ours.heard_a_beat()
    theirs.close()
    assert not ours.heard_a_beat()
    ours.forward(signal.SIGTERM)
    ours.close()
    ours, theirs = open_line(0)
    ours.close()
    theirs.beat()
    theirs.close()
