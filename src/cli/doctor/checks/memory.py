"""The memory that the service may have."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from src.cli.doctor.finding import Finding, fail, ok, skip, warn

if TYPE_CHECKING:
    from src.config.settings import Settings

_GIBIBYTE = 1024**3
# Measured by the benchmark: about 1 GiB after the start, 1.7 GiB with 64 requests of five frames at once.
_TO_START, _UNDER_LOAD = 1.0, 2.0
# What a container may have at most, by control groups of version 2 and 1.
_LIMIT_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def look(_settings: Settings | None) -> Iterator[Finding]:
    """The machine's memory, or the container's limit where that is less."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        yield skip("this system does not say how much there is; the service needs 2 GiB")
        return
    yield judge(min([machine, *_limits(_LIMIT_FILES)]) / _GIBIBYTE)


def judge(gibibytes: float) -> Finding:
    """Whether it is enough."""
    words = f"{gibibytes:.1f} GiB"
    if gibibytes < _TO_START:
        return fail(f"{words}: the service does not start with less than 1 GiB", "give it 2 GiB or more")
    if gibibytes < _UNDER_LOAD:
        return warn(f"{words}: enough to start, not for load", "give it 2 GiB, or lower MAX_REQUESTS_IN_FLIGHT")
    return ok(words)


def _limits(files: tuple[Path, ...]) -> Iterator[int]:
    for file in files:
        try:
            text = file.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            yield int(text)
