"""The page says what the card says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from src.config.settings import Settings
from src.services.judgement import Thresholds
from tests.unit.training.card.conftest import NO_EYE
from training.card.card_page import _KNOWN_FAILURES, render_page
from training.card.model_card import compare_with_aims
from training.evaluation.examination import Case
from training.learning.network import CLASSES
from training.validation.figures import describe_operating_points

SECTIONS = (
    "Intended use; Aims; What it learnt from; How it was tested; Per class; "
    "If it does not answer where it is not sure; How far an answer can be relied on; By origin; Calibration; "
    "Strangers; Heatmaps; Known failures; How to retrain and swap it; Licences"
)


@pytest.fixture
def card(metrics: dict[str, Any], answers: list[Case], settings: Settings) -> dict[str, Any]:
    return {
        "name": "EyeNet",
        "file": "eyes.h5",
        "sha256": "ab" * 32,
        "created": "2026-01-02",
        "intended_use": "Demonstration.",
        "limitations": ["Few styes."],
        "aims": compare_with_aims(metrics),
        "operating_points": describe_operating_points(answers, NO_EYE, CLASSES, Thresholds.from_settings(settings)),
        "training_data": {
            "pictures": 80,
            "duplicate_groups": 70,
            "painted_styes": 60,
            "per_class": dict.fromkeys(CLASSES, 20),
            "per_class_and_origin": {name: {"jaybfn": 12, "other": 8} for name in CLASSES},
            "no_eye_found_per_class": dict(zip(CLASSES, (2, 0, 1, 0), strict=True)),
            "not_learnt_from": ["doubtful.jpg"],
        },
        "split": {"method": "By origin."},
        "calibration": {"method": "temperature scaling", "temperature": 1.25},
        "reliability": {
            "prevalence": dict.fromkeys(CLASSES, 0.25),
            "least_answers": 40,
            "ranges": {name: [] for name in CLASSES} | {"Healthy": [{"least": 0.812, "answers": 44, "right": 33}]},
        },
        "least_confidence": dict.fromkeys(CLASSES, 0.55),
        "metrics": metrics,
        "licences": {"backbone_weights": "BSD"},
    }


def section(page: str, name: str) -> str:
    return page.split(f"\n## {name}\n")[1].split("\n## ")[0]


def test_the_page_has_all_sections_in_order_with_the_figures_where_they_belong(card: dict[str, Any]) -> None:
    page = render_page(card)
    assert page.startswith("# EyeNet, abababababab\n")
    assert "; ".join(re.findall(r"^## (.*)$", page, re.MULTILINE)) == SECTIONS
    assert page.endswith("\n")
    assert "eyes.json" in page
    aims = section(page, "Aims")
    for row in card["aims"]:
        assert f"| {row['aim']} |" in aims
    macro_f1 = card["metrics"]["cross_validation"]["pictures"]["macro_f1"]
    low, high = macro_f1["interval"]
    assert f"{macro_f1['value']:.3f} ({low:.3f} to {high:.3f})" in aims
    relied_on = section(page, "How far an answer can be relied on")
    assert "| Healthy | 0.81 | 44 | 0.750 | 0.55 |" in relied_on
    assert "| Stye | - | too few | - | 0.55 |" in relied_on
    assert "T = 1.25" in section(page, "Calibration")
    assert "0.123" in section(page, "By origin")
    assert "0.610" in section(page, "Strangers")
    assert "0.310" in section(page, "Heatmaps")
    assert "1 pictures that do not show" in section(page, "What it learnt from")
    unseen = "no eye in 3 of the pictures (Cataract 2, Conjunctivitis 0, Healthy 1, Stye 0)"
    assert unseen in section(page, "What it learnt from")
    assert "| Healthy | 20 | 1 |" in section(page, "Per class")
    assert "| no eye found | 0 | 0 | 1 | 0 |" in section(page, "If it does not answer where it is not sure")
    assert "| Healthy | jaybfn | 1 |" in section(page, "By origin")
    assert "| not an eye | 7 | 0.429 | 0.857 | 4 | 0.970 |" in section(page, "Strangers")
    assert "79 eyes, macro F1 0.750" in section(page, "Per class")


def test_every_table_has_as_many_cells_in_each_row(card: dict[str, Any]) -> None:
    tables = re.findall(r"(?:^\|.*\|\n?)+", render_page(card), re.MULTILINE)
    assert len(tables) >= 10
    for table in tables:
        assert len({line.count("|") for line in table.strip().splitlines()}) == 1


def test_says_what_was_not_measured(card: dict[str, Any]) -> None:
    metrics = card["metrics"]
    metrics["strangers"] = {}
    del card["reliability"]
    metrics["heatmaps"] = {"left_out": None, "shipped": None}
    metrics["cross_validation"]["degraded_copies_of_the_same_pictures"] = None
    metrics["cross_validation"]["without_doubtful_labels"] = None
    del metrics["origins_never_seen"]
    page = render_page(card)
    assert "Not measured" in section(page, "How far an answer can be relied on")
    assert "Not measured" in section(page, "Strangers")
    assert "Not measured" in section(page, "Heatmaps")
    assert "- on degraded copies" in section(page, "Calibration")
    assert "left out as a whole" not in section(page, "By origin")
    assert "do not show what their label says" not in section(page, "Per class")


def test_a_model_at_whose_mistakes_nobody_has_looked_is_not_told_the_failures_of_another(card: dict[str, Any]) -> None:
    shipped = next(iter(json.loads(_KNOWN_FAILURES.read_text(encoding="utf-8"))))
    own, known = render_page(card), render_page(card | {"sha256": shipped})
    assert "Nobody has looked at the contact sheets of this model yet" in section(own, "Known failures")
    assert "**" not in section(own, "Known failures")
    assert "one large source of conjunctivitis" not in section(own, "Aims")
    assert "**Styes that are none.**" in section(known, "Known failures")
    assert "one large source of conjunctivitis" in section(known, "Aims")


def test_what_is_written_on_the_card_is_not_escaped_as_if_it_were_html(card: dict[str, Any]) -> None:
    card["limitations"] = ["Publishers' labels & <others>."]
    assert "- Publishers' labels & <others>.\n" in render_page(card)
