"""A results page in Markdown, with its plots beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NOTHING = "-"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a bar in a cell would end the cell, and is written as a slash."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def plot(drawn: set[str], name: str, words: str) -> str:
    """The plot in `results/` beside the page, if it is among those that were drawn."""
    return f"![{words}](results/{name})\n" if name in drawn else ""


def number(value: Any, form: str) -> str:
    """In a format of Python's; a dash for None."""
    return NOTHING if value is None else format(value, form)


def publish(page: str, plots: Mapping[str, bytes], folder: Path) -> Path:
    """Prints the page and writes it as RESULTS.md, with its plots in `results/` beside it; gives the page's file."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    for name, file in plots.items():
        (folder / "results" / name).write_bytes(file)
    written = folder / "RESULTS.md"
    written.write_text(page, encoding="utf-8")
    print(page)
    return written
