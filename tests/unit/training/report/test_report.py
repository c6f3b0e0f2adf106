"""The folder holds figures for programs and a page and pictures for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.types import RgbImage
from training.evaluation.case import Case
from training.evaluation.metrics import measure
from training.report.report import write_report

CLASSES = ["Healthy", "Stye"]
PLOTS = {"confusion_matrix.png", "roc.png", "calibration.png", "risk_coverage.png"}


@pytest.fixture
def cases(drawn_eye: RgbImage) -> list[Case]:
    right = Case("Stye/1.jpg", 1, np.array([0.3, 0.7], np.float32))
    wrong = Case("Healthy/ä.jpg", 0, np.array([0.2, 0.8], np.float32), drawn_eye, drawn_eye, ("too_blurred",))
    return [right, wrong]


def measured(cases: list[Case]) -> dict[str, Any]:
    truth = np.array([case.truth for case in cases])
    return measure(truth, np.stack([case.probabilities for case in cases]), CLASSES, resamples=5)


def test_writes_everything(tmp_path: Path, cases: list[Case]) -> None:
    folder = tmp_path / "new" / "folder"
    write_report(folder, "A title", ["A note."], measured(cases) | {"more": 1}, cases)
    assert {file.name for file in folder.iterdir()} == PLOTS | {"report.html", "report.json", "worst_mistakes.png"}
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["title"] == "A title"
    assert report["notes"] == ["A note."]
    assert "not a medical device" in report["notice"]
    assert report["accuracy"]["value"] == 0.5
    assert report["more"] == 1
    assert report["cases"][1] == {
        "file": "Healthy/ä.jpg",
        "truth": "Healthy",
        "said": "Stye",
        "probabilities": [0.2, 0.8],
        "reasons": ["too_blurred"],
    }
    assert (folder / "report.html").read_text(encoding="utf-8").count("data:image/png") == 5


def test_an_earlier_sheet_of_mistakes_does_not_stay(tmp_path: Path, cases: list[Case]) -> None:
    write_report(tmp_path, "first", [], measured(cases), cases)
    write_report(tmp_path, "second", [], measured(cases[:1]), cases[:1])
    assert {file.name for file in tmp_path.iterdir()} == PLOTS | {"report.html", "report.json"}
