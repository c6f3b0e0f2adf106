"""What both commands have in common: their options, and a results page in Markdown with its plots beside it."""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

NOTHING = "-"
FAINT: Final = "#c9d1d8"
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's palette, which people with any colour vision tell apart; the first is that of single curves."""

_INK = "#22303c"
_DOTS_PER_INCH = 110
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "text.parse_math": False,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": FAINT,
    "axes.titlecolor": _INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e6eaee",
    "xtick.color": _INK,
    "ytick.color": _INK,
    "legend.frameon": False,
}


def parser_of(tool: str, description: str) -> argparse.ArgumentParser:
    """With the options of both commands."""
    parser = argparse.ArgumentParser(prog=f"python -m lab.{tool}", description=description)
    parser.add_argument("--quick", action="store_true", help="everything in short, for a first look")
    parser.add_argument(
        "--redraw", action="store_true", help="write page and plots again from the figures; measures nothing"
    )
    return parser


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; a bar in a cell would end the cell, and is written as a slash."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def plot(name: str, words: str) -> str:
    """The plot in `results/` beside the page."""
    return f"![{words}](results/{name}.png)\n"


def number(value: Any, form: str) -> str:
    """In a format of Python's; a dash for None."""
    return NOTHING if value is None else format(value, form)


def draw_png(width: float, height: float, paint: Callable[[Figure], None]) -> bytes:
    """A PNG file of what `paint` puts on a figure of this size in inches, without matplotlib's global state."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        buffer = io.BytesIO()
        # Without the version of matplotlib in it, the same figures give the same file.
        figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def publish(page: str, plots: Mapping[str, bytes], folder: Path) -> Path:
    """Prints the page and writes it as RESULTS.md, with its plots by name in `results/` beside it; gives its file."""
    (folder / "results").mkdir(parents=True, exist_ok=True)
    for name, file in plots.items():
        (folder / "results" / f"{name}.png").write_bytes(file)
    written = folder / "RESULTS.md"
    written.write_text(page, encoding="utf-8")
    print(page)
    return written
