"""A process ends with its exit code, whether or not anybody still reads what it prints."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from src.config.settings import PROJECT_ROOT

# Else the first print would fail, and nothing would wait to be written in the end.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
SCRIPT = "from src.supervisor.process_end import exit_at_once; print('told'); exit_at_once(5)"


def test_what_waits_to_be_written_is_written() -> None:
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (process.returncode, process.stdout, process.stderr) == (5, "told\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipe that is closed at one end")
def test_a_closed_pipe_changes_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        process = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=PROJECT_ROOT,
            env=BUFFERED,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (process.returncode, process.stderr) == (5, "")
