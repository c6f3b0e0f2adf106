"""Waiting for what another process does, with patience for slow machines."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_WAIT_S = 120


def wait_until(
    condition: Callable[[], bool],
    what: str,
    *,
    in_vain: Callable[[], str | None] = lambda: None,
    pause_s: float = 0.005,
) -> None:
    """Returns as soon as the condition holds.

    Args:
        condition: asked again and again.
        what: is waited for, for the error.
        in_vain: says why it can no longer come, such as that a process has ended; None while it can.
        pause_s: between two questions.

    Raises:
        AssertionError: it did not hold within two minutes, or waiting was in vain.
    """
    give_up_at = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        why = in_vain()
        assert why is None, f"{why}, and there was no {what}"
        assert time.monotonic() < give_up_at, f"there was no {what} within {LONGEST_WAIT_S} s"
        time.sleep(pause_s)
