"""Checks of arguments that the commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable


def at_least(smallest: int) -> Callable[[str], int]:
    """For `type=` of an argument: a whole number of that size or more."""

    def parse(text: str) -> int:
        value = int(text)
        if value < smallest:
            raise argparse.ArgumentTypeError(f"must be {smallest} or more, not {value}")
        return value

    # argparse names the type when the text is no number.
    parse.__name__ = "int"
    return parse
