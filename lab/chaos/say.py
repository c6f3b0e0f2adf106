"""Tells whoever waits how far it is."""

from __future__ import annotations

import sys
from collections.abc import Callable

Say = Callable[[str], None]


def say(words: str) -> None:
    """One line on standard error."""
    print(f"chaos: {words}", file=sys.stderr, flush=True)
