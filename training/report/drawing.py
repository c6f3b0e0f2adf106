"""A matplotlib figure without global state, as a PNG: the only place that knows how ours look."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

INK: Final = "#22303c"
FAINT: Final = "#c9d1d8"
CLASS_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's palette, which people with any colour vision tell apart; the first is that of single curves."""

_DOTS_PER_INCH = 110
_LAST_KNOWN_LETTER = 0x24F
"""Up to here (Latin with all accents) matplotlib's own font has every letter; others would be boxes and warnings."""

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.usetex": False,
    # A dollar in a file name is a dollar.
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e6eaee",
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def draw_png(width: float, height: float, paint: Callable[[Figure], None]) -> bytes:
    """A PNG file of what `paint` puts on a figure of this size in inches."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        paint(figure)
        buffer = io.BytesIO()
        # Without the version of matplotlib in it, the same figures give the same file.
        figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()


def drawable(text: str) -> str:
    """The text with a question mark for each character that cannot be drawn."""
    return "".join(
        character if character.isprintable() and ord(character) <= _LAST_KNOWN_LETTER else "?" for character in text
    )
