"""So many inputs drawn by Hypothesis from one seed, each given to a function: the same ones on every run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

_AT_A_TIME = 250
_Drawn = TypeVar("_Drawn")


def for_each_drawn(
    inputs: st.SearchStrategy[_Drawn], count: int, do: Callable[[_Drawn], None], first_seed: int = 0
) -> None:
    """Calls `do` with `count` inputs. What it raises ends the drawing.

    Hypothesis keeps all that it drew, so that it draws nothing twice: over thousands of inputs that memory would hide
    the memory of what is tested. So it is asked for some hundred at a time, each time with the next seed.
    """
    given_so_far = 0
    while given_so_far < count:

        def take(drawn: _Drawn) -> None:
            nonlocal given_so_far
            if given_so_far < count:
                given_so_far += 1
                do(drawn)

        search = settings(
            max_examples=min(_AT_A_TIME, count - given_so_far),
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        seed(first_seed)(search(given(inputs)(take)))()
        first_seed += 1
