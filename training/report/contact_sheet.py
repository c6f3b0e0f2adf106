"""The worst mistakes on one sheet: what the service saw, beside where it saw its evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from src.core.types import RgbImage
from training.evaluation.case import Case
from training.report.drawing import FAINT, draw_png, drawable

MOST_MISTAKES: Final = 24
_COLUMNS = 4
_LONGEST_NAME = 46
_CELL_WIDTH, _CELL_HEIGHT = 3.6, 2.5


def worst_mistakes(cases: Sequence[Case]) -> list[Case]:
    """At most `MOST_MISTAKES` cases, the highest probability of a wrong class first."""
    mistakes = [case for case in cases if case.wrongness > 0]
    return sorted(mistakes, key=lambda case: -case.wrongness)[:MOST_MISTAKES]


def draw_contact_sheet(cases: Sequence[Case], classes: Sequence[str]) -> bytes:
    """A PNG of the cases in their order.

    Raises:
        ValueError: there are none.
    """
    if not cases:
        raise ValueError("no cases to draw")
    columns = min(_COLUMNS, len(cases))
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
