"""What an evaluation leaves in its folder: figures for programs, a page and pictures for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.evaluation.case import Case
from training.report.contact_sheet import draw_contact_sheet, worst_mistakes
from training.report.html_page import NOTICE, render_page
from training.report.plots import draw_confusion_matrix, draw_reliability, draw_risk_coverage, draw_roc

_MISTAKES_FILE = "worst_mistakes.png"


def write_report(
    folder: Path, title: str, notes: Sequence[str], measured: dict[str, Any], cases: Sequence[Case]
) -> None:
    """Writes report.json, report.html, a PNG per plot and worst_mistakes.png, where there are mistakes.

    Args:
        folder: made if it is missing; files of an earlier report are replaced.
        title: what was evaluated, on which pictures.
        notes: sentences that a reader has to know before the figures.
        measured: what `measure` returns, and whatever else belongs into report.json; the page also shows `trained_on`
            ({"pictures", "of"}), `reasons` (reason -> eyes) and `left_out` (a list of {"file", "problem"}).
        cases: those that were measured, in their order.

    Raises:
        OSError: the folder cannot be written to.
    """
    classes: list[str] = measured["confusion_matrix"]["rows_true_columns_predicted"]
    plots = {
        "confusion_matrix": ("Confusion matrix", draw_confusion_matrix(measured["confusion_matrix"])),
        "roc": ("ROC curves", draw_roc(measured["per_class"])),
        "calibration": ("Reliability diagram", draw_reliability(measured["calibration"])),
        "risk_coverage": ("Risk and coverage", draw_risk_coverage(measured["risk_coverage"])),
    }
    mistakes = worst_mistakes(cases)
    contact_sheet = draw_contact_sheet(mistakes, classes) if mistakes else None

    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, png) in plots.items():
        (folder / f"{name}.png").write_bytes(png)
    if contact_sheet is None:
        # One of an earlier report would look as if it belonged to this one.
        (folder / _MISTAKES_FILE).unlink(missing_ok=True)
    else:
        (folder / _MISTAKES_FILE).write_bytes(contact_sheet)
    page = render_page(title, notes, measured, dict(plots.values()), contact_sheet)
    (folder / "report.html").write_text(page, encoding="utf-8")
    machine_readable = {
        "title": title,
        "notice": NOTICE,
        "notes": list(notes),
        **measured,
        "cases": [_described(case, classes) for case in cases],
    }
    text = json.dumps(machine_readable, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(text + "\n", encoding="utf-8")


def _described(case: Case, classes: Sequence[str]) -> dict[str, Any]:
    return {
        "file": case.file,
        "truth": classes[case.truth],
        "said": classes[case.said],
        "probabilities": [round(float(value), 4) for value in case.probabilities],
        "reasons": list(case.reasons),
    }
