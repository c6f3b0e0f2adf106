"""Time in which nobody could look does not count."""

from __future__ import annotations

from src.core.awake_clock import AwakeClock


def test_it_goes_as_the_other_clock_does_unless_that_jumps() -> None:
    now = 1000.0
    clock = AwakeClock(2.0, lambda: now)
    assert clock.seconds() == 0.0
    now += 1.5
    assert clock.seconds() == 1.5
    now += 3600.0
    assert clock.seconds() == 3.5
    now += 1.0
    assert clock.seconds() == 4.5
