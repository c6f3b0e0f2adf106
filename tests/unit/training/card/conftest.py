"""Figures as a training would put them on a card, of made-up answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.pictures import LabelledPicture
from training.evaluation.examination import Case
from training.evaluation.measures import measure_cases
from training.learning.network import CLASSES
from training.validation.figures import measure_by_origin

COUNT = 80
NO_EYE = [LabelledPicture(Path("x"), CLASSES.index("Healthy"), "jaybfn", "jaybfn/none", 0)]
"""A webcam-like picture in which none was found."""


@pytest.fixture(scope="session")
def answers() -> list[Case]:
    """Mostly right; every fifth of them is held back."""
    dice = np.random.default_rng(0)
    cases = []
    for index in range(COUNT):
        probabilities = dice.dirichlet(np.full(len(CLASSES), 0.7)) + 1.2 * np.eye(len(CLASSES))[index % 4]
        reasons = ("blurry",) if index % 5 == 0 else ()
        cases.append(Case("x", index % 4, (probabilities / 2.2).astype(np.float32), reasons=reasons))
    return cases


@pytest.fixture
def metrics(answers: list[Case]) -> dict[str, Any]:
    pictures = measure_cases(answers, CLASSES, [str(index) for index in range(COUNT)], NO_EYE, resamples=20)
    origins = ["jaybfn" if index % 8 > 3 else "other" for index in range(COUNT)]
    order = {"heatmap": 0.4, "random": 0.5, "centre": 0.45}
    pointing = {"heatmap": 0.85, "heatmap_of_recognised": 0.9, "chance": 0.05, "centre": 0.1}
    heatmaps = {
        "n": 6,
        "pointing": {"strict": pointing, "within_15_px": pointing},
        "deletion": order,
        "insertion": order,
        "randomisation": {"last_layer": {"n": 6, "rank_correlation": 0.31}},
    }
    believed = {"sensitivity": 0.8, "precision": 0.7, "sensitivity_at_specificity_95": 0.6}
    flagged = {"not_an_eye": 0.5, "unfamiliar": 0.25, "inconclusive": None}
    stranger = {"n": 7, "no_eye": 0.429, "held_back": 0.857, "eyes": 4, "auroc_of_unfamiliarity": 0.97, **flagged}
    return {
        "of_the_shipped_weights": "The figures belong to the recipe.",
        "cross_validation": {
            "pictures": pictures,
            "without_doubtful_labels": {"n": 79, "macro_f1": 0.75, "per_class": dict.fromkeys(CLASSES, believed)},
            "by_origin": measure_by_origin(answers, origins, NO_EYE, CLASSES),
            "calibration_before_temperature_scaling": pictures["calibration"],
            "degraded_copies_of_the_same_pictures": {"calibration": pictures["calibration"]},
            "painted_styes": {"n": 3, "recall": 1.0},
        },
        "origins_never_seen": {"jaybfn": {"Healthy": {"n": 9, "recall": 0.123, "pictures_left_to_learn_from": 11}}},
        "strangers": {"not_an_eye": stranger, "other_eye_conditions": {**stranger, "auroc_of_unfamiliarity": 0.61}},
        "heatmaps": {"left_out": heatmaps, "shipped": heatmaps},
        "quality": {},
    }
