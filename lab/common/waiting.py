"""Waiting for what another process does, with patience for slow machines."""

from __future__ import annotations

import time
from collections.abc import Callable

# A service that loads its model on a machine full of other work needs minutes; a test ends after 300 s.
LONGEST_WAIT_S = 240


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
        what: for the error, such as "a second server process".
        in_vain: why it can no longer come, such as that a process has ended; None while it can.
        pause_s: between two questions.

    Raises:
        AssertionError: it did not hold within four minutes, or waiting was in vain.
    """
    give_up_at = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        why = in_vain()
        assert why is None, f"{why}, and there was no {what}"
        assert time.monotonic() < give_up_at, f"there was no {what} within {LONGEST_WAIT_S} s"
        time.sleep(pause_s)
