"""What an evaluation leaves in its folder: figures for programs, a page and pictures for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from src.utils.data_uri import encode_data_uri
from src.utils.files import write_then_rename
from src.utils.templates import render_template
from training.evaluation.examination import Case, LeftOut, worst_mistakes
from training.report.plots import (
    draw_confusion_matrix,
    draw_contact_sheet,
    draw_reliability,
    draw_risk_coverage,
    draw_roc,
)

NOTICE: Final = (
    "EyeNet is not a medical device. These figures describe these pictures; they do not say how well it does on other "
    "people and cameras, and they are no ground for a diagnosis."
)
_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_MISTAKES_FILE = "worst_mistakes.png"


def write_report(
    folder: Path,
    title: str,
    notes: Sequence[str],
    measured: dict[str, Any],
    cases: Sequence[Case],
    left_out: Sequence[LeftOut] = (),
) -> None:
    """Writes report.json, report.html, a PNG per plot and worst_mistakes.png, where there are mistakes.

    The folder is made if it is missing, and files of an earlier report are replaced.

    `measured` is what `measure` returns of the cases, and whatever else belongs in report.json; the page also shows
    `trained_on` ({"pictures", "of"}) and `reasons` (reason -> eyes). Notes are sentences that a reader has to know
    before the figures; `left_out` are the pictures without an answer.
    """
    classes: list[str] = measured["confusion_matrix"]["rows_true_columns_predicted"]
    unanswered = [{"file": one.file, "truth": classes[one.picture.label], "problem": one.problem} for one in left_out]
    measured = {**measured, "left_out": unanswered}
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
        write_then_rename(folder / f"{name}.png", png)
    if contact_sheet is None:
        # One of an earlier report would look as if it belonged to this one.
        (folder / _MISTAKES_FILE).unlink(missing_ok=True)
    else:
        write_then_rename(folder / _MISTAKES_FILE, contact_sheet)
    page = render_page(title, notes, measured, dict(plots.values()), contact_sheet)
    write_then_rename(folder / "report.html", page.encode("utf-8"))
    machine_readable = {"title": title, "notice": NOTICE, "notes": list(notes), **measured}
    machine_readable["cases"] = [
        {
            "file": case.file,
            "truth": classes[case.truth],
            "said": classes[case.said],
            "probabilities": [round(float(value), 4) for value in case.probabilities],
            "reasons": list(case.reasons),
        }
        for case in cases
    ]
    text = json.dumps(machine_readable, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_then_rename(folder / "report.json", text.encode("utf-8"))


def render_page(
    title: str,
    notes: Sequence[str],
    measured: Mapping[str, Any],
    plots: Mapping[str, bytes],
    contact_sheet: bytes | None,
) -> str:
    """The report as one HTML page that needs nothing but itself; `plots` are what each shows -> PNG."""
    return render_template(
        _TEMPLATE,
        title=title,
        notice=NOTICE,
        notes=notes,
        measured=measured,
        plots={name: encode_data_uri(png, "image/png") for name, png in plots.items()},
        contact_sheet=None if contact_sheet is None else encode_data_uri(contact_sheet, "image/png"),
        overlap_sentence=overlap_sentence,
    )


def overlap_sentence(trained_on: Mapping[str, int]) -> str:
    """What it means that the model learnt from some of the pictures."""
    return (
        f"The model was trained on {trained_on['pictures']} of these {trained_on['of']} pictures: figures on them are "
        "no evidence of how well it does on others."
    )
