"""The folders that the service would write to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from src.cli.doctor.finding import Finding, fail, ok, skip
from src.config.settings import Settings


def look(settings: Settings | None) -> Iterator[Finding]:
    """Those for pictures, if pictures are saved."""
    if settings is None:
        yield skip("not looked at: the settings are wrong")
        return
    saved = {
        "TEMP_IMAGES_DIR": settings.temp_images_dir if settings.save_temp_images else None,
        "SAVED_EYES_DIR": settings.saved_eyes_dir if settings.save_eyes else None,
    }
    needed = {name: folder for name, folder in saved.items() if folder is not None}
    if not needed:
        yield ok("none is written to: SAVE_TEMP_IMAGES and SAVE_EYES are off")
    for name, folder in needed.items():
        yield judge(name, folder)


def judge(name: str, folder: Path) -> Finding:
    """Whether files can be made in it; one that is missing is made by the service. Nothing is written."""
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ok(f"{name} {folder} can be written to")
    return fail(
        f"{name} {folder} cannot be written to",
        f"give {existing} to the user that runs the service (in the image: chown 10001:10001), or set {name}",
    )
