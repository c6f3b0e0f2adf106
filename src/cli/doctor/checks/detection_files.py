"""The cascades and the landmark file against those of the installed packages."""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator

from src.cli.doctor.finding import Finding, fail, ok, warn
from src.config.settings import Settings
from src.services.assets import AssetOrigin, asset_origins


def look(_settings: Settings | None) -> Iterator[Finding]:
    """Each file by itself."""
    for origin in asset_origins():
        yield judge(origin)


def judge(origin: AssetOrigin) -> Finding:
    """Whether the file is there and whole, or will be after the first start."""
    target, packaged = origin.target, origin.packaged
    reinstall = f"pip install --force-reinstall {origin.distribution}"
    if target.is_file() and target.stat().st_size > 0:
        if packaged is None:
            return ok(f"{target.name} is there")
        if filecmp.cmp(target, packaged, shallow=False):
            return ok(f"{target.name}, as {origin.distribution} has it")
        return warn(
            f"{target.name} is not the one of {origin.distribution}: your own, or damaged",
            f"if it is not your own, delete {target}; the next start puts the packaged one there",
        )
    if packaged is None:
        return fail(f"{target.name} is neither in src/assets nor in {origin.distribution}", reinstall)
    folder = next(parent for parent in target.parents if parent.is_dir())
    if not os.access(folder, os.W_OK):
        return fail(
            f"{target.name} is not in src/assets yet, and {folder} cannot be written to",
            "once, as its owner: python -m src.services.assets",
        )
    return ok(f"{target.name} comes out of {origin.distribution} at the first start")
