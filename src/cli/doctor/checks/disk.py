"""Free space where the service lives and writes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from src.cli.doctor.finding import Finding, fail, ok, warn
from src.config.settings import PROJECT_ROOT, Settings

_MEGABYTE = 1024 * 1024
_TOO_LITTLE, _LITTLE = 200, 1024
"""In MiB: the landmark file that the first start copies has 96."""


def look(settings: Settings | None) -> Iterator[Finding]:
    """Each disk once."""
    places = {PROJECT_ROOT}
    if settings is not None and (settings.save_temp_images or settings.save_eyes):
        places |= {settings.temp_images_dir, settings.saved_eyes_dir}
    existing = {next(place for place in (folder, *folder.parents) if place.exists()) for folder in places}
    disks = {place.stat().st_dev: place for place in sorted(existing)}
    for place in disks.values():
        yield judge(place, shutil.disk_usage(place).free // _MEGABYTE)


def judge(place: Path, megabytes: int) -> Finding:
    """Whether it is enough."""
    words = f"{megabytes / 1024:.1f} GiB free at {place}"
    advice = "free some: docs/operations.md, Cleaning"
    if megabytes < _TOO_LITTLE:
        return fail(words, advice)
    return warn(words, advice) if megabytes < _LITTLE else ok(words)
