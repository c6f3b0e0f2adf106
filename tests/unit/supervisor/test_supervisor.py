"""What becomes of each way in which a server process may end."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from src.config.settings import PROJECT_ROOT
from src.supervisor.supervisor import GAVE_UP, MAX_FAILED_STARTS, Restarts, can_supervise
from tests.unit.supervisor.program import run_program

pytestmark = pytest.mark.skipif(not can_supervise(), reason="this system has no fork")

# `server` is what the child does. It does not see what an earlier child did, hence the number of restarts.
SCRIPT = """
import logging, os, signal, sys, time
from src.supervisor.supervisor import Supervisor
logging.basicConfig(level="INFO", stream=sys.stdout, format="%(message)s")

def server(line):
{server}

sys.exit(Supervisor(server, drain_timeout_s=0.0).run())
"""


def script(*server: str) -> str:
    return SCRIPT.format(server="\n".join(f"    {line}" for line in server))


def supervise(*server: str) -> tuple[int, list[str]]:
    return run_program(script(*server))


@pytest.mark.parametrize("exit_code", [0, 1, 2])
def test_stopped_and_cannot_start_are_last_words(exit_code: int) -> None:
    assert supervise(f"return {exit_code}") == (exit_code, [])


def test_any_other_exit_code_is_a_death() -> None:
    code, output = supervise("return 0 if line.restarts else 17")
    assert (code, output) == (0, ["server process ended with exit code 17, restart 1 in 0.5 s"])


def test_a_signal_is_a_death_and_has_its_name() -> None:
    code, output = supervise("return 0 if line.restarts else os.kill(os.getpid(), signal.SIGSEGV)")
    assert (code, output) == (0, ["server process ended by SIGSEGV, restart 1 in 0.5 s"])


@pytest.mark.skipif(not hasattr(signal, "SIGRTMIN"), reason="this system has no real-time signals")
def test_a_signal_without_a_name_has_its_number() -> None:
    number = int(signal.SIGRTMIN) + 2
    _, output = supervise(f"return 0 if line.restarts else os.kill(os.getpid(), {number})")
    assert output == [f"server process ended by signal {number}, restart 1 in 0.5 s"]


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
        "    line.tell_ready()",
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


def test_what_was_printed_before_the_fork_is_printed_once() -> None:
    assert run_program("print('once')\n" + script("return 0")) == (0, ["once"])


def test_a_parent_that_ignores_its_children_does_not_lose_how_they_ended() -> None:
    """SIGCHLD may be handed down ignored; the kernel then forgets children as they end."""
    ignoring = "import signal\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
    assert run_program(ignoring + script("return 2")) == (2, [])


def start_and_stop(*server: str) -> tuple[int, str]:
    """Exit code and output, told to stop as soon as the server process has said that it is there."""
    with subprocess.Popen(
        [sys.executable, "-c", script(*server)], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
        return process.returncode, output


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
    assert output == ["True", "SIGINT SIGTERM"]


def test_a_system_without_forks_and_signal_masks_is_told_apart_and_can_import_it_all() -> None:
    """As Windows is."""
    missing = "del os.fork, signal.SIGCHLD, signal.SIGALRM, signal.SIGKILL, signal.sigwait, signal.pthread_sigmask\n"
    program = f"import os, signal, subprocess\n{missing}import main\nprint(main.can_supervise())"
    assert run_program(program) == (0, ["False"])


def test_pauses_double_while_none_gets_ready_and_then_it_is_given_up() -> None:
    restarts = Restarts()
    delays = [restarts.delay_after(was_ready=False) for _ in range(MAX_FAILED_STARTS)]
    assert delays == [0.5, 1.0, 2.0, 4.0, None]


def test_one_that_was_ready_is_followed_at_once_however_often() -> None:
    restarts = Restarts()
    assert {restarts.delay_after(was_ready=True) for _ in range(10 * MAX_FAILED_STARTS)} == {0.5}


def test_once_one_was_ready_nothing_is_given_up_but_pauses_are_no_longer_than_half_a_minute() -> None:
    """Requests hit a server process while it loads, too."""
    restarts = Restarts()
    restarts.delay_after(was_ready=True)
    delays = [restarts.delay_after(was_ready=False) for _ in range(1100)]
    assert delays[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert set(delays[8:]) == {30.0}


def test_one_that_is_ready_again_shortens_the_pauses() -> None:
    restarts = Restarts()
    for _ in range(MAX_FAILED_STARTS - 1):
        restarts.delay_after(was_ready=False)
    assert restarts.delay_after(was_ready=True) == 0.5
    assert restarts.delay_after(was_ready=False) == 0.5


def test_every_restart_is_counted_and_giving_up_is_none() -> None:
    restarts = Restarts()
    assert restarts.count == 0
    for _ in range(MAX_FAILED_STARTS):
        restarts.delay_after(was_ready=False)
    assert restarts.count == MAX_FAILED_STARTS - 1


WAKEUPS = """
import os, signal, time
from src.supervisor.supervisor import Wakeups
wakeups = Wakeups()
started = time.monotonic()
"""


def output_of(program: str) -> list[str]:
    exit_code, output = run_program(WAKEUPS + program)
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
