"""One that ran is followed at once, one that cannot run after longer and longer pauses, and not for ever."""

from __future__ import annotations

from src.supervisor.restarts import MAX_FAILED_STARTS, Restarts


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
