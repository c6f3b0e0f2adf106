"""What the terminal wants to be shown."""

from __future__ import annotations

import os
from typing import TextIO


def wants_colour(out: TextIO) -> bool:
    """Whether colour codes may be written: to a terminal that knows them, unless NO_COLOR (no-color.org) says no."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
