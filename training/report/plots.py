"""The plots of a report, each from its part of what `measure` returns, and the sheet of the worst mistakes: what the
service saw, beside where it saw its evidence. All are PNG files, drawn without matplotlib's global state.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import PercentFormatter

from src.core.types import RgbImage
from training.evaluation.examination import Case

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
_LINE_STYLES = ("-", "--", "-.", ":")
_DARK_CELL = 0.55
_SHEET_COLUMNS = 4
_CELL_WIDTH, _CELL_HEIGHT = 3.6, 2.5
_LONGEST_NAME = 46


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


def draw_confusion_matrix(matrix: dict[str, Any]) -> bytes:
    """Counts, coloured and annotated by the share of each true class."""
    names = [drawable(name) for name in matrix["rows_true_columns_predicted"]]
    counts = np.array(matrix["counts"], dtype=np.float64)
    of_class = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, of_class, out=np.zeros_like(counts), where=of_class > 0)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(counts.shape):
            axes.text(
                column,
                row,
                f"{counts[row, column]:.0f}\n{shares[row, column]:.0%}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > _DARK_CELL else INK,
            )
        axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("said")
        axes.set_ylabel("true")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title("What was taken for what")

    side = 1.6 + 0.95 * len(names)
    return draw_png(side + 0.6, side, paint)


def draw_roc(per_class: dict[str, dict[str, Any]]) -> bytes:
    """One curve per class against all others."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        for index, (name, figures) in enumerate(per_class.items()):
            curve = figures["roc"]
            if curve is None:
                continue
            axes.plot(
                curve["false_positive_rate"],
                curve["sensitivity"],
                color=CLASS_COLOURS[index % len(CLASS_COLOURS)],
                linestyle=_LINE_STYLES[index % len(_LINE_STYLES)],
                linewidth=1.8,
                label=f"{drawable(name)} (n {figures['n']}, area {figures['auroc']['value']:.4f})",
            )
        _as_shares(axes, "others called this class (1 - specificity)", "found (sensitivity)")
        axes.set_aspect("equal")
        axes.set_title("ROC, each class against the others")
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="lower right", fontsize=9)

    return draw_png(5.4, 5.4, paint)


def draw_reliability(calibration: dict[str, Any]) -> bytes:
    """How often answers of each confidence are right, over how many of them there are."""
    filled = [part for part in calibration["bins"] if part["n"]]

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        centres = [(part["from"] + part["to"]) / 2 for part in filled]
        width = 0.9 / len(calibration["bins"])
        upper.bar(centres, [part["accuracy"] for part in filled], width, color=CLASS_COLOURS[5], label="share right")
        upper.plot(
            [part["confidence"] for part in filled],
            [part["accuracy"] for part in filled],
            color=CLASS_COLOURS[0],
            marker="o",
            markersize=4,
            linewidth=1.2,
            label="at their mean confidence",
        )
        _as_shares(upper, "", "share right")
        upper.legend(loc="upper left", fontsize=9)
        upper.set_title(f"Calibration: error {calibration['ece_15_bins']:.3f}, Brier score {calibration['brier']:.3f}")
        bars = lower.bar(centres, [part["n"] for part in filled], width, color=CLASS_COLOURS[0])
        lower.bar_label(bars, fontsize=7, padding=1)
        lower.margins(y=0.25)
        lower.set_ylabel("answers")
        lower.set_xlabel("confidence (probability of the class that was said)")
        lower.set_xlim(0, 1)

    return draw_png(5.4, 5.4, paint)


def draw_risk_coverage(parts: dict[str, Any]) -> bytes:
    """The share of wrong answers if only the most confident ones are given."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        coverage = [point["coverage"] for point in parts["curve"]]
        risk = [point["risk"] for point in parts["curve"]]
        axes.plot(coverage, risk, color=CLASS_COLOURS[0], linewidth=1.8)
        axes.fill_between(coverage, risk, color=CLASS_COLOURS[5], alpha=0.25)
        axes.grid(visible=True)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, max(0.05, *risk) * 1.1)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.set_xlabel("coverage: pictures that are answered, the most confident first")
        axes.set_ylabel("risk: answers that are wrong")
        axes.set_title(f"Risk and coverage: area {parts['area']:.3f}")

    return draw_png(5.4, 4.2, paint)


def _as_shares(axes: Axes, horizontal: str, vertical: str) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    axes.grid(visible=True)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)


def draw_contact_sheet(cases: Sequence[Case], classes: Sequence[str]) -> bytes:
    """A PNG of the cases, one or more, in their order."""
    columns = min(_SHEET_COLUMNS, len(cases))
    rows = math.ceil(len(cases) / columns)

    def paint(figure: Figure) -> None:
        cells = np.asarray(figure.subfigures(rows, columns, squeeze=False)).ravel()
        for cell, case in zip(cells, cases, strict=False):
            _paint_case(cell, case, classes)

    return draw_png(_CELL_WIDTH * columns, _CELL_HEIGHT * rows, paint)


def _paint_case(cell: SubFigure, case: Case, classes: Sequence[str]) -> None:
    cell.suptitle(_caption(case, classes), fontsize=7.5)
    for axes, picture, missing in zip(
        cell.subplots(1, 2), (case.preview, case.overlay), ("no picture", "flat heatmap"), strict=True
    ):
        _paint_picture(axes, picture, missing)


def _paint_picture(axes: Axes, picture: RgbImage | None, missing: str) -> None:
    axes.set_anchor("N")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if picture is None:
        axes.set_facecolor(FAINT)
        axes.set_aspect("equal")
        axes.text(0.5, 0.5, missing, ha="center", va="center", fontsize=8)
    else:
        axes.imshow(picture)


def _caption(case: Case, classes: Sequence[str]) -> str:
    lines = [
        _shortened(case.file),
        f"{classes[case.truth]} -> {classes[case.said]} {case.probabilities[case.said]:.0%}",
    ]
    if case.reasons:
        lines.append(f"inconclusive: {', '.join(case.reasons)}")
    return "\n".join(drawable(line) for line in lines)


def _shortened(name: str) -> str:
    """Without the middle: folder and number, at the two ends, are what a person looks a picture up by."""
    half = (_LONGEST_NAME - 3) // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[:half]}...{name[-half:]}"
