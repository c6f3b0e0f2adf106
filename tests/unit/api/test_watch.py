"""What hangs ends the process, what is only slow, stopped or starting does not. The processes are real."""

from __future__ import annotations

import subprocess
import sys

import pytest

from src.config.process import LOST
from src.config.settings import PROJECT_ROOT

# A watch that looks every tenth of a second, over services made of real workers and a real event loop.
PROGRAM = """
import asyncio, logging, os, sys, threading, time
from types import SimpleNamespace
from src.api.context import ApiContext
from src.api.watch import Watch
from src.config.process import exit_at_once
from src.config.settings import Settings
from src.services.workers import Workers
logging.basicConfig(level="WARNING", stream=sys.stdout, format="%(message)s")

def hang():
    time.sleep(600)

async def scene():
    context = ApiContext(Settings(_env_file=None, step_timeout_s={step_timeout_s}))
    workers, beats = Workers(2), []
    context.attach(SimpleNamespace(
        model={model}, requests_at_once=2, frames_at_once=1, running=workers.running,
        problems=lambda: [problem for problem in [workers.problem()] if problem],
    ))
    watch = Watch(context, asyncio.get_running_loop(), lambda: beats.append(threading.current_thread().name))
    threading.Thread(target=watch.run, args=(0.1,), daemon=True).start()
{scene}

asyncio.run(scene())
exit_at_once(0)
"""
MODEL = "SimpleNamespace(name='', short_hash='', precision='', device='', tensorflow='')"


def play(*scene: str, step_timeout_s: int = 1) -> tuple[int, list[str]]:
    """Exit code and lines of the log."""
    lines = "\n".join(f"    {line}" for line in scene)
    program = PROGRAM.format(model=MODEL, scene=lines, step_timeout_s=step_timeout_s)
    process = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )
    return process.returncode, process.stdout.splitlines()


END = "this process cannot go on and ends now"


def test_a_step_that_hangs_ends_the_process_and_is_named() -> None:
    code, lines = play("await workers.run(hang)")
    assert code == LOST
    assert lines == ["hang has been running for 1 s, and cannot be stopped", END]


def test_so_does_one_that_nobody_waits_for_any_more() -> None:
    code, lines = play(
        "with __import__('contextlib').suppress(asyncio.TimeoutError):",
        "    await asyncio.wait_for(asyncio.shield(workers.run(hang)), 0.1)",
        "await asyncio.sleep(600)",
    )
    assert code == LOST
    assert lines == ["hang has been running for 1 s, and cannot be stopped", END]


def test_meanwhile_other_requests_are_answered_and_new_ones_are_refused() -> None:
    code, lines = play(
        "hanging = asyncio.create_task(workers.run(hang))",
        "with context.admission.lifecycle.work(1):",
        "    while not context.lost.is_set():",
        "        await asyncio.sleep(0.01)",
        "    phase = context.admission.lifecycle.phase",
        "    print(context.is_ready(), phase.value, await workers.run(int, '17'), flush=True)",
        "await asyncio.sleep(600)",
    )
    assert code == LOST
    assert "False draining 17" in lines


def test_a_loop_that_does_not_turn_ends_the_process_and_beats_no_more() -> None:
    code, lines = play("await asyncio.sleep(0.5)", "before = len(beats)", "print(before > 0, set(beats))", "hang()")
    assert code == LOST
    assert lines == [
        "True {'MainThread'}",
        "the event loop's turn has been running for 1 s, and cannot be stopped",
        END,
    ]


def test_many_short_steps_are_no_long_one_and_a_loop_that_was_stopped_owes_no_turn() -> None:
    assert play("for _ in range(40):", "    await workers.run(time.sleep, 0.05)") == (0, [])
    assert play(
        "asyncio.get_running_loop().call_later(0.2, workers.executor.submit, time.sleep, 0.5)",
        "await asyncio.sleep(0.4)",
        "watch._loop = asyncio.new_event_loop()",
        "time.sleep(2)",
    ) == (0, [])


@pytest.mark.skipif(not hasattr(__import__("signal"), "SIGSTOP"), reason="Windows stops nobody")
def test_a_step_during_which_the_process_was_stopped_does_not_hang() -> None:
    """As on a laptop that is opened again."""
    resume = "import os, signal, sys, time; time.sleep(5); os.kill(int(sys.argv[1]), signal.SIGCONT)"
    code, lines = play(
        "import signal, subprocess",
        f"other = subprocess.Popen([sys.executable, '-c', {resume!r}, str(os.getpid())])",
        "step = asyncio.create_task(workers.run(lambda: [time.sleep(0.05) for _ in range(12)]))",
        "await asyncio.sleep(0.2)",
        "os.kill(os.getpid(), signal.SIGSTOP)",
        "await step",
        "other.wait()",
        step_timeout_s=3,
    )
    assert (code, lines) == (0, [])


def test_a_step_that_gets_no_memory_ends_the_process_also_if_nobody_hears_of_it() -> None:
    def raising() -> list[str]:
        return ["def greedy():", "    raise MemoryError", "workers.executor.submit(greedy)"]

    code, lines = play(*raising(), "await asyncio.sleep(600)")
    assert code == LOST
    assert "memory ran out in one of the worker threads" in lines


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to this limit")
def test_a_process_that_gets_no_more_memory_ends() -> None:
    code, _ = play(
        "import resource",
        "taken = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()",
        "resource.setrlimit(resource.RLIMIT_AS, (taken, taken))",
        "await asyncio.sleep(600)",
    )
    assert code == LOST


def test_a_part_that_died_ends_the_process_and_one_that_is_closed_at_the_end_does_not() -> None:
    """What died is not replaced in this one."""
    code, lines = play(
        "context._services.problems = lambda: ['2 of 2 worker threads died']", "await asyncio.sleep(600)"
    )
    assert code == LOST
    assert "2 of 2 worker threads died" in lines
    assert play("context.admission.lifecycle.drain()", "workers.close()", "await asyncio.sleep(0.5)") == (0, [])


def test_a_watch_that_breaks_says_so_and_ends_the_process() -> None:
    code, lines = play("context._services.running = lambda: 1 / 0", "await asyncio.sleep(600)")
    assert code == LOST
    assert lines[0] == "the watch failed"
    assert lines[-1] == "ZeroDivisionError: division by zero"
