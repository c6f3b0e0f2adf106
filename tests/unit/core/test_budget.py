"""What is shared is never given out twice, and comes back."""

from __future__ import annotations

import threading

import pytest

from src.core.budget import Budget


def test_it_gives_until_the_whole_is_taken_and_gives_again_what_comes_back() -> None:
    budget = Budget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    assert not budget.take(1)
    budget.give_back(10)
    assert budget.take(10)


@pytest.mark.parametrize("amount", [11, 10_000])
def test_when_nothing_else_is_taken_more_than_the_whole_is_granted(amount: int) -> None:
    budget = Budget(10)
    assert budget.take(amount)
    assert not budget.take(1)
    budget.give_back(amount)
    assert budget.take(1)


def test_many_threads_never_have_more_than_the_whole() -> None:
    budget, lock = Budget(50), threading.Lock()
    taken = most = 0

    def take_and_give_back() -> None:
        nonlocal taken, most
        for _ in range(2000):
            if budget.take(20):
                with lock:
                    taken += 20
                    most = max(most, taken)
                with lock:
                    taken -= 20
                budget.give_back(20)

    threads = [threading.Thread(target=take_and_give_back) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 20 <= most <= 50
    # All of it is back.
    assert budget.take(1)
    assert budget.take(49)
