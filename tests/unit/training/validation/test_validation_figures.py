"""The figures of the card add up, and say what they were measured on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.training.validation.conftest import Trial
from training.evaluation.case import Case
from training.learning.network import CLASSES
from training.learning.samples import SampleKind
from training.validation import cross_validation
from training.validation.validation_figures import (
    _of_copies,
    average,
    figures_for_card,
    figures_of_pictures,
    figures_of_unseen_origins,
    figures_without_doubtful_labels,
)


def case(truth: int, said: int, name: str = "Class/x.png", *reasons: str) -> Case:
    probabilities = np.full(4, 0.1, np.float32)
    probabilities[said] = 0.7
    return Case(name, truth, probabilities, reasons=reasons)


@pytest.fixture(scope="module")
def tested() -> cross_validation.TestedPictures:
    cases = [case(label, label) for label in range(4)]
    cases += [case(0, 2, "Cataract/one.png"), case(0, 2, "Cataract/two.png", "blurry")]
    return cross_validation.TestedPictures(cases, [f"o/{index}" for index in range(6)], ["o"] * 6, [False] * 5 + [True])


@pytest.fixture(scope="module")
def section(trial: Trial, tested: cross_validation.TestedPictures) -> dict[str, Any]:
    return figures_for_card(figures_of_pictures(tested, seed=0), tested, trial.validation)


class TestFiguresForCard:
    def test_are_of_the_tested_pictures(self, section: dict[str, Any]) -> None:
        pictures = section["pictures"]
        assert pictures["n"] == 6
        assert pictures["per_class"]["Cataract"]["sensitivity"]["value"] == pytest.approx(1 / 3, abs=1e-4)
        assert pictures["answered"]["n"] == 5
        assert section["by_origin"]["Cataract"]["o"]["taken_for"] == {"Healthy": 2}

    def test_name_no_file(self, section: dict[str, Any]) -> None:
        """In a clinic's folder a file's name may be a person's."""
        assert ".png" not in json.dumps(section)

    def test_are_given_once_more_without_doubtful_labels(self, section: dict[str, Any]) -> None:
        believed = section["without_doubtful_labels"]
        assert believed["n"] == 5
        assert believed["per_class"]["Cataract"]["sensitivity"] == 0.5

    def test_are_not_repeated_where_all_labels_are_believed(self, tested: cross_validation.TestedPictures) -> None:
        believed = replace(tested, doubtful=[False] * 6)
        assert figures_without_doubtful_labels(believed) is None

    def test_leave_the_curves_to_the_report(self, section: dict[str, Any]) -> None:
        text = json.dumps(section, allow_nan=False)
        assert not any(f'"{name}"' in text for name in ("roc", "bins", "risk_coverage"))
        assert "ece_15_bins" in text

    def test_tell_copies_and_painted_styes_from_pictures(self, section: dict[str, Any], trial: Trial) -> None:
        natural = {SampleKind.PHOTOGRAPHED, SampleKind.HARMLESS_PAINT}
        copies = sum(sample.kind in natural for sample in trial.features.samples)
        assert section["degraded_copies_of_the_same_pictures"]["n"] == copies
        assert section["painted_styes"]["n"] == len(trial.pictures)
        assert 0 <= section["painted_styes"]["recall"] <= 1

    def test_say_nothing_of_copies_that_were_not_made(self) -> None:
        assert _of_copies(np.zeros(0, np.int64), np.zeros((0, 4))) is None


def test_unseen_origins_are_judged_by_a_model_without_them(trial: Trial) -> None:
    models = trial.validation.models[0].file.parent
    models_before = len(list(models.glob("*.h5")))
    found = figures_of_unseen_origins(trial.trainer, trial.pictures, ["bibekbvk"])
    assert found == {
        "bibekbvk": {
            name: {"n": 3, "recall": found["bibekbvk"][name]["recall"], "pictures_left_to_learn_from": 1}
            for name in CLASSES
        }
    }
    assert len(list(models.glob("*.h5"))) == models_before + 1


class TestAverage:
    def test_takes_means_and_adds_counts_up(self) -> None:
        first = {"n": 2, "share": 0.5, "offset": [1.0, -1.0], "deep": {"value": 0.2}}
        second = {"n": 3, "share": 1.0, "offset": [3.0, 1.0], "deep": {"value": 0.4}}
        assert average([first, second]) == {"n": 5, "share": 0.75, "offset": [2.0, 0.0], "deep": {"value": 0.3}}

    def test_passes_over_what_is_not_known(self) -> None:
        assert average([{"share": None}, {"share": 0.5}]) == {"share": 0.5}
        assert average([{"share": None}, {"share": None}]) == {"share": None}
        assert average([]) is None
