"""The files of a finished model go to their place together."""

from __future__ import annotations

import shutil
from pathlib import Path

_SUFFIXES = (".familiarity.npz", ".h5", ".json", ".md")
"""Statistics of the training pictures, the model, and its card for programs and for people."""


def put_in_place(draft: Path, target: Path) -> None:
    """Copies the model `draft` (.h5) and what belongs to it beside and over `target`, no file ever being half there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in _SUFFIXES:
        unfinished = target.with_name(f"unfinished_{target.stem}{suffix}")
        shutil.copyfile(draft.with_suffix(suffix), unfinished)
        unfinished.replace(target.with_suffix(suffix))
