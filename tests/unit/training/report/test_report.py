"""The folder holds figures for programs and a page and pictures for people."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.types import RgbImage
from tests.html_reader import Reader
from training.data.pictures import LabelledPicture
from training.evaluation.examination import Case, LeftOut
from training.evaluation.measures import measure
from training.report.report import render_page, write_report

CLASSES = ["Healthy", "Stye"]
PNG = b"\x89PNG"
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
    unseen = LabelledPicture(Path("Stye/2.jpg"), 1, "site", "site/2", 2)
    left_out = [LeftOut(unseen, "No eye in it.", no_eye=True)]
    write_report(folder, "A title", ["A note."], measured(cases) | {"more": 1}, cases, left_out)
    assert {file.name for file in folder.iterdir()} == PLOTS | {"report.html", "report.json", "worst_mistakes.png"}
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["title"] == "A title"
    assert report["notes"] == ["A note."]
    assert "not a medical device" in report["notice"]
    assert report["accuracy"]["value"] == 0.5
    assert report["more"] == 1
    assert report["left_out"] == [{"file": "Stye/2.jpg", "truth": "Stye", "problem": "No eye in it."}]
    assert report["cases"][1] == {
        "file": "Healthy/ä.jpg",
        "truth": "Healthy",
        "said": "Stye",
        "probabilities": [0.2, 0.8],
        "reasons": ["too_blurred"],
    }
    assert (folder / "report.html").read_text(encoding="utf-8").count("data:image/png") == 5
    # An earlier sheet of mistakes does not stay.
    write_report(folder, "second", [], measured(cases[:1]), cases[:1])
    assert {file.name for file in folder.iterdir()} == PLOTS | {"report.html", "report.json"}


@pytest.fixture
def figures() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    truth, probabilities = rng.integers(0, 2, 30), rng.dirichlet(np.ones(2), 30)
    return measure(truth, probabilities, ["Healthy", "<Stye>"], np.arange(30) % 3 == 0, resamples=20)


def render(figures: dict[str, Any], notes: tuple[str, ...] = (), sheet: bytes | None = PNG) -> str:
    return render_page("Eyes & <lids>", notes, figures, {"ROC curves": PNG}, sheet)


def test_the_page_needs_no_other_place_is_light_or_dark_and_is_no_medical_device(figures: dict[str, Any]) -> None:
    page = render(figures)
    reader = Reader(page)
    assert reader.open == []
    assert len(reader.references) == 2
    assert all(reference.startswith("data:image/png;base64,") for reference in reader.references)
    assert "script" not in reader.tags
    assert not [word for word in ("url(", "@import", "http://", "https://") if word in page]
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert "prefers-color-scheme: dark" in page
    assert "not a medical device" in page


def test_names_cannot_become_markup(figures: dict[str, Any]) -> None:
    figures["left_out"] = [{"file": "<img src=x>", "truth": "<Stye>", "problem": "a & b"}]
    page = render(figures, notes=("<script>",))
    for escaped in ("Eyes &amp; &lt;lids&gt;", "&lt;Stye&gt;", "&lt;img src=x&gt;", "a &amp; b", "&lt;script&gt;"):
        assert escaped in page
    assert len(Reader(page).references) == 2


def test_figures_stand_with_their_intervals_and_reasons_with_their_counts(figures: dict[str, Any]) -> None:
    accuracy = figures["accuracy"]
    low, high = accuracy["interval"]
    page = render(figures | {"reasons": {"too_dark": 7}})
    assert f"{accuracy['value']:.3f}<small>{low:.3f} to {high:.3f}</small>" in page
    assert "<td>too_dark</td><td>7</td>" in page


def test_pictures_that_were_trained_on_are_an_alert_and_their_absence_is_said(figures: dict[str, Any]) -> None:
    page = render(figures | {"trained_on": {"pictures": 7, "of": 30}})
    assert '<p class="alert">The model was trained on 7 of these 30 pictures' in page
    assert "no evidence" in page
    page = render(figures | {"trained_on": {"pictures": 0, "of": 30}}, sheet=None)
    assert 'class="alert"' not in page
    assert "None of these 30 picture files was trained on." in page
    # Without mistakes there is no sheet.
    assert "every eye scored highest in its own class" in page
    assert len(Reader(page).references) == 1
