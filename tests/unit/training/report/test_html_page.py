"""One page that needs nothing but itself, and says what must be known first."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.html_reader import Reader
from training.evaluation.metrics import measure
from training.report.html_page import render_page, shown

PNG = b"\x89PNG"


@pytest.fixture
def measured() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    truth, probabilities = rng.integers(0, 2, 30), rng.dirichlet(np.ones(2), 30)
    return measure(truth, probabilities, ["Healthy", "<Stye>"], np.arange(30) % 3 == 0, resamples=20)


def render(measured: dict[str, Any], notes: tuple[str, ...] = (), sheet: bytes | None = PNG) -> str:
    return render_page("Eyes & <lids>", notes, measured, {"ROC curves": PNG}, sheet)


def test_the_page_refers_to_no_other_place(measured: dict[str, Any]) -> None:
    page = render(measured)
    reader = Reader(page)
    assert reader.open == []
    assert len(reader.references) == 2
    assert all(reference.startswith("data:image/png;base64,") for reference in reader.references)
    assert "script" not in reader.tags
    assert "url(" not in page
    assert "@import" not in page
    assert "http://" not in page
    assert "https://" not in page


def test_it_is_light_or_dark_as_the_reader_likes(measured: dict[str, Any]) -> None:
    assert "prefers-color-scheme: dark" in render(measured)


def test_it_says_that_this_is_no_medical_device(measured: dict[str, Any]) -> None:
    assert "not a medical device" in render(measured)


def test_names_cannot_become_markup(measured: dict[str, Any]) -> None:
    measured["left_out"] = [{"file": "<img src=x>", "problem": "a & b"}]
    page = render(measured, notes=("<script>",))
    for escaped in ("Eyes &amp; &lt;lids&gt;", "&lt;Stye&gt;", "&lt;img src=x&gt;", "a &amp; b", "&lt;script&gt;"):
        assert escaped in page
    assert len(Reader(page).references) == 2


def test_figures_stand_with_their_intervals(measured: dict[str, Any]) -> None:
    accuracy = measured["accuracy"]
    low, high = accuracy["interval"]
    assert f"{accuracy['value']:.3f}<small>{low:.3f} to {high:.3f}</small>" in render(measured)


def test_pictures_that_were_trained_on_are_an_alert(measured: dict[str, Any]) -> None:
    page = render(measured | {"trained_on": {"pictures": 7, "of": 30}})
    assert '<p class="alert">The model was trained on 7 of these 30 pictures' in page
    assert "no evidence" in page


def test_no_such_picture_is_said_as_well(measured: dict[str, Any]) -> None:
    page = render(measured | {"trained_on": {"pictures": 0, "of": 30}})
    assert 'class="alert"' not in page
    assert "None of these 30 picture files was trained on." in page


def test_it_counts_why_there_was_no_answer(measured: dict[str, Any]) -> None:
    page = render(measured | {"reasons": {"too_dark": 7}})
    assert "<td>too_dark</td><td>7</td>" in page


def test_without_mistakes_there_is_no_sheet(measured: dict[str, Any]) -> None:
    page = render(measured, sheet=None)
    assert "every eye scored highest in its own class" in page
    assert len(Reader(page).references) == 1


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        ({"value": 0.5, "interval": [0.25, 0.75]}, "0.500 (0.250 to 0.750)"),
        ({"value": 0.5, "interval": None}, "0.500"),
        ({"value": None, "interval": None}, "-"),
    ],
)
def test_an_estimate_in_words(estimate: dict[str, Any], words: str) -> None:
    assert shown(estimate) == words
