"""The plots of a report, each from its part of what `measure` returns, and the sheet of the worst mistakes: what the
service saw, beside where it saw its evidence. All are PNG files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import PercentFormatter

from src.core.types import RgbImage
from training.evaluation.examination import Case
from training.report.drawing import CLASS_COLOURS, FAINT, INK, draw_png, drawable

_LINE_STYLES = ("-", "--", "-.", ":")
_DARK_CELL = 0.55
_SHEET_COLUMNS = 4
_CELL_WIDTH, _CELL_HEIGHT = 3.6, 2.5
_LONGEST_NAME = 46


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
    """A PNG of the cases in their order.

    Raises:
        ValueError: there are none.
    """
    if not cases:
        raise ValueError("no cases to draw")
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
