"""Waiting for what another process does, with patience for slow machines."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_WAIT_S = 120


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Returns as soon as the condition holds; fails, naming what was waited for, if it does not in two minutes."""
    give_up_at = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        assert time.monotonic() < give_up_at, f"not within {LONGEST_WAIT_S} s: {what}"
        time.sleep(0.005)
