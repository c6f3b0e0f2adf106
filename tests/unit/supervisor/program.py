"""Programs in processes of their own: what the supervisor does with signals would hit the tests."""

from __future__ import annotations

import subprocess
import sys

from src.config.settings import PROJECT_ROOT


def run_program(text: str) -> tuple[int, list[str]]:
    """Exit code and lines of standard output of a Python program."""
    process = subprocess.run(
        [sys.executable, "-c", text], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, timeout=120, check=False
    )
    return process.returncode, process.stdout.splitlines()
