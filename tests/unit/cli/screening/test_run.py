"""A screening ends when it is told to, also while it waits for a file that never comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab.common.waiting import wait_until
from src.config.settings import PROJECT_ROOT

# What a dead network drive does to whoever reads from it.
READS_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from src.cli.screening.run import Screening

async def wait_for_the_file():
    print("waiting", flush=True)
    await asyncio.to_thread(Path(sys.argv[1]).read_bytes)

with Screening(None, None, None, {}, 0).stops_on_signal():
    asyncio.run(wait_for_the_file())
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has neither such files nor such signals")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_it_though_a_file_is_being_waited_for(tmp_path: Path, number: signal.Signals) -> None:
    os.mkfifo(tmp_path / "x.jpg")
    command = [sys.executable, "-c", READS_FOR_EVER, str(tmp_path / "x.jpg")]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "waiting\n"

            def has_ended_or_is_told_again() -> bool:
                """Two signals that come at once are one."""
                process.send_signal(number)
                return process.poll() is not None

            wait_until(has_ended_or_is_told_again, "end of it")
            _, said = process.communicate()
        finally:
            process.kill()
    assert process.returncode == 128 + number
    assert said == "\nstopped at once, without a report; the same command goes on.\n"
