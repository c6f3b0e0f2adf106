"""Stop signals wait for the one thread that asks for them. In a process of its own: signals would hit the tests."""

from __future__ import annotations

import subprocess
import sys

import pytest

from src.config.settings import PROJECT_ROOT

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal masks")

SCRIPT = """
import os, signal, sys
from src.core.stop_signals import STOP_SIGNALS, block_stop_signals, second_stop_signal
block_stop_signals()
print(sorted({"threading", "numpy", "tensorflow", "robyn"} & set(sys.modules) - {"threading"}))
print(second_stop_signal())
os.kill(os.getpid(), signal.SIGTERM)
print(signal.sigwait(STOP_SIGNALS) is signal.SIGTERM)
print(second_stop_signal())
os.kill(os.getpid(), signal.SIGINT)
print(second_stop_signal())
"""


def test_a_stop_signal_waits_to_be_asked_for_and_a_second_one_is_noticed() -> None:
    script = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert script.stdout.splitlines() == ["[]", "False", "True", "False", "True"]
