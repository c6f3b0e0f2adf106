"""The interpreter."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from src.cli.doctor.finding import Finding, fail, ok

if TYPE_CHECKING:
    from src.config.settings import Settings

_OLDEST, _NEWEST = (3, 10), (3, 13)


def look(_settings: Settings | None) -> Iterator[Finding]:
    """Whether there are wheels of everything for this version."""
    version = sys.version.split()[0]
    if _OLDEST <= sys.version_info[:2] <= _NEWEST:
        yield ok(f"{version} ({sys.executable})")
    else:
        yield fail(
            f"{version}: the pinned packages have wheels for Python 3.10 to 3.13",
            "make install PYTHON=python3.11, or another of these",
        )
