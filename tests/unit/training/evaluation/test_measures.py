"""The figures of small, hand-counted examples, and what must hold for all; of answered pictures once more."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics

from training.evaluation.measures import figures_of, measure, summarise, weighted_confusions

CLASSES = ["Cataract", "Healthy", "Stye"]
NOTHING = {"value": None, "interval": None}

# Four cataracts, of which one is called healthy; four healthy eyes, of which one is called a stye; no stye.
TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 1])
PROBABILITIES = np.array(
    [
        [0.9, 0.1, 0.0],
        [0.8, 0.2, 0.0],
        [0.6, 0.4, 0.0],
        [0.3, 0.7, 0.0],
        [0.0, 0.9, 0.1],
        [0.1, 0.9, 0.0],
        [0.4, 0.6, 0.0],
        [0.2, 0.2, 0.6],
    ]
)


def predictions(n: int, seed: int = 0) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Of a model that is right more often than not, with classes of very different sizes and many equal scores."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(3), rng.choice(3, n - 3, p=[0.2, 0.75, 0.05])])
    scores = rng.normal(size=(n, 3))
    scores[np.arange(n), truth] += 1.5
    probabilities = np.round(np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), 2) + 0.01
    return truth, probabilities / probabilities.sum(axis=1, keepdims=True)


def estimates(measured: Any) -> list[dict[str, Any]]:
    if isinstance(measured, dict):
        if measured.keys() == {"value", "interval"}:
            return [measured]
        return [found for part in measured.values() for found in estimates(part)]
    return []


def test_a_summary_counts() -> None:
    truth, said = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 0])
    summary = summarise(truth, said, ["a", "b", "c"])
    assert summary["confusion_matrix"]["counts"] == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert summary["accuracy"] == pytest.approx(4 / 6, abs=1e-4)
    assert summary["per_class"]["a"] == {"n": 4, "recall": 0.75, "precision": 0.75}
    assert summary["per_class"]["b"] == {"n": 2, "recall": 0.5, "precision": 0.5}
    assert summary["per_class"]["c"] == {"n": 0, "recall": None, "precision": None}
    assert summary["macro_recall"] == pytest.approx(0.625)


def test_nothing_to_count_or_measure_is_an_error() -> None:
    with pytest.raises(ValueError, match="no predictions"):
        summarise(np.array([], dtype=np.int64), np.array([], dtype=np.int64), ["a"])
    with pytest.raises(ValueError, match="no predictions"):
        measure(np.array([], dtype=np.int64), np.zeros((0, 3)), CLASSES)


def test_the_hand_counted_example() -> None:
    measured = measure(TRUTH, PROBABILITIES, CLASSES, resamples=50)
    assert measured["confusion_matrix"]["counts"] == [[3, 1, 0], [0, 3, 1], [0, 0, 0]]
    assert measured["accuracy"]["value"] == 0.75
    assert measured["macro_recall"]["value"] == 0.75
    assert measured["macro_f1"]["value"] == pytest.approx((6 / 7 + 3 / 4) / 2, abs=1e-4)
    cataract, healthy, stye = (measured["per_class"][name] for name in CLASSES)
    assert cataract["n"] == 4
    assert cataract["sensitivity"]["value"] == 0.75
    assert cataract["specificity"]["value"] == 1.0
    assert cataract["precision"]["value"] == 1.0
    assert cataract["f1"]["value"] == pytest.approx(6 / 7, abs=1e-4)
    # Of 16 pairs of a cataract and another eye only (0.3, 0.4) is in the wrong order.
    assert cataract["auroc"]["value"] == pytest.approx(15 / 16, abs=1e-4)
    assert cataract["sensitivity_at_specificity_95"]["value"] == 0.75
    assert healthy["specificity"]["value"] == 0.75
    assert healthy["precision"]["value"] == 0.75
    # A class without pictures is null but for its false alarms.
    assert stye["n"] == 0
    assert stye["specificity"]["value"] == pytest.approx(7 / 8, abs=1e-4)
    found, ranked = {"sensitivity", "precision", "f1"}, {"auroc", "average_precision", "sensitivity_at_specificity_95"}
    assert {key for key, value in stye.items() if value == NOTHING} == found | ranked
    assert stye["roc"] is None
    assert "answered" not in measured


def test_a_class_that_is_never_said_has_no_precision_and_counts_as_not_found() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.8, 0.2, 0], [0.7, 0.3, 0]])
    measured = measure(np.array([0, 0, 1]), probabilities, CLASSES, resamples=20)
    assert measured["per_class"]["Healthy"]["precision"] == NOTHING
    assert measured["macro_recall"]["value"] == 0.5


def test_perfect_predictions_are_perfect_everywhere() -> None:
    truth = np.array([0, 0, 1, 1, 1, 2])
    measured = measure(truth, np.eye(3)[truth], CLASSES, np.zeros(6, dtype=bool), resamples=50)
    for found in estimates({key: measured[key] for key in ("accuracy", "macro_f1", "per_class")}):
        assert (found["value"], found["interval"][1]) == (1.0, 1.0)
    # Of two pictures, both right says little of the next.
    assert measured["accuracy"]["interval"] == [1.0, 1.0]
    assert measured["per_class"][CLASSES[0]]["sensitivity"]["interval"][0] < 0.4
    assert measured["calibration"]["ece_15_bins"] == 0
    assert measured["calibration"]["brier"] == 0
    assert measured["risk_coverage"]["area"] == 0
    assert measured["answered"]["false_alarms_on_healthy"]["value"] == 0


def test_the_intervals_contain_their_values_and_all_is_ready_for_json() -> None:
    truth, probabilities = predictions(200)
    unsure = probabilities.max(axis=1) < 0.5
    measured = measure(truth, probabilities, CLASSES, unsure, resamples=300)
    found = estimates(measured)
    assert len(found) > 40
    for figure in found:
        low, high = figure["interval"]
        assert 0 <= low <= figure["value"] <= high <= 1
    assert json.loads(json.dumps(measured, allow_nan=False))["n"] == 200
    without = estimates(measure(truth, probabilities, CLASSES, unsure, resamples=0))
    assert all(figure["value"] is not None and figure["interval"] is None for figure in without)


def width(truth: Any, probabilities: Any, **more: Any) -> float:
    return float(np.ptp(measure(truth, probabilities, CLASSES, **more)["accuracy"]["interval"]))


def test_more_pictures_give_narrower_intervals_but_copies_counted_as_groups_pretend_no_certainty() -> None:
    assert width(*predictions(1600), resamples=200) < 0.7 * width(*predictions(100), resamples=200)
    truth, probabilities = predictions(60)
    copies = np.repeat(np.arange(60), 5)
    once = width(truth, probabilities, resamples=400)
    grouped = width(truth[copies], probabilities[copies], resamples=400, groups=[f"g{i:02}" for i in copies])
    assert grouped == pytest.approx(once, rel=0.15)
    assert width(truth[copies], probabilities[copies], resamples=400) < 0.6 * once


def test_the_seed_decides_the_intervals() -> None:
    truth, probabilities = predictions(80)
    first, again, other = (measure(truth, probabilities, CLASSES, resamples=50, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first["macro_f1"]["value"] == other["macro_f1"]["value"]
    assert first["macro_f1"]["interval"] != other["macro_f1"]["interval"]


def test_float32_from_a_network_is_as_good_as_exact_and_agrees_with_scikit_learn() -> None:
    truth, probabilities = predictions(150)
    measured = measure(truth, probabilities, CLASSES, resamples=0)
    said = probabilities.argmax(axis=1)
    assert measured["macro_f1"]["value"] == round(sklearn.metrics.f1_score(truth, said, average="macro"), 4)
    assert measured["macro_recall"]["value"] == round(sklearn.metrics.balanced_accuracy_score(truth, said), 4)
    rough = measure(truth, probabilities.astype(np.float32), CLASSES, resamples=0)
    assert rough["calibration"]["brier"] == pytest.approx(measured["calibration"]["brier"], abs=1e-4)


TWO = ["Cataract", "Healthy"]
TRUE_CLASSES = np.array([0, 0, 1, 1, 1, 1])
OF_TWO = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.1, 0.9], [0.7, 0.3], [0.6, 0.4]])


def answered_of(inconclusive: Any, classes: list[str] = TWO) -> dict[str, Any]:
    measured = measure(TRUE_CLASSES, OF_TWO, classes, np.array(inconclusive, dtype=bool), resamples=20)
    answered: dict[str, Any] = measured["answered"]
    if not any(inconclusive):
        # If all are answered the figures are those of all.
        for key in ("accuracy", "macro_f1", "macro_recall"):
            assert answered[key] == measured[key]
        assert answered["coverage"] == {"value": 1.0, "interval": [1.0, 1.0]}
    return answered


def test_only_answered_pictures_are_judged() -> None:
    answered = answered_of([0, 1, 0, 0, 0, 1])
    assert answered["n"] == 4
    assert answered["coverage"]["value"] == pytest.approx(4 / 6, abs=1e-4)
    assert answered["accuracy"]["value"] == 0.75
    assert answered["per_class"]["Cataract"]["n"] == 1
    assert answered["per_class"]["Cataract"]["coverage"]["value"] == 0.5
    assert answered["per_class"]["Cataract"]["sensitivity"]["value"] == 1.0
    assert answered["per_class"]["Cataract"]["precision"]["value"] == 0.5
    assert answered["false_alarms_on_healthy"]["value"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_picture_in_which_no_eye_was_found_counts_as_not_answered_and_changes_no_other_figure() -> None:
    unsure = np.array([0, 0, 0, 1, 0, 0, 0, 1], dtype=bool)
    found = measure(TRUTH, PROBABILITIES, CLASSES, unsure, resamples=0)
    every = measure(TRUTH, PROBABILITIES, CLASSES, unsure, resamples=0, no_eye=np.array([0, 2, 2]))
    assert [every["per_class"][name].pop("no_eye") for name in CLASSES] == [1, 0, 2]
    assert [found["per_class"][name].pop("no_eye") for name in CLASSES] == [0, 0, 0]
    assert found["answered"].pop("coverage")["value"] == 0.75
    assert every["answered"].pop("coverage")["value"] == pytest.approx(6 / 11, abs=1e-4)
    per_class = [every["answered"]["per_class"][name].pop("coverage")["value"] for name in CLASSES]
    assert per_class == [0.6, 0.75, 0.0]
    for name in CLASSES:
        found["answered"]["per_class"][name].pop("coverage", None)
    assert every == found


def test_pictures_without_an_eye_are_drawn_again_with_their_groups() -> None:
    groups = [*"abcdefgh", "a", "i"]
    measured = measure(TRUTH, PROBABILITIES, CLASSES, np.zeros(8, bool), 200, 0, groups, np.array([0, 2]))
    coverage = measured["answered"]["coverage"]
    assert coverage["value"] == 0.8
    assert coverage["interval"][0] < 0.8 < coverage["interval"][1]
    with pytest.raises(ValueError, match="longer"):
        measure(TRUTH, PROBABILITIES, CLASSES, np.zeros(8, bool), 20, 0, groups[:8], np.array([0, 2]))


def test_if_nothing_is_answered_or_nobody_is_healthy_the_figure_is_not_known() -> None:
    answered = answered_of(np.ones(6))
    assert answered["coverage"]["value"] == 0
    assert answered["accuracy"]["value"] is None
    assert answered["false_alarms_on_healthy"]["value"] is None
    assert answered["per_class"]["Healthy"]["sensitivity"]["value"] is None
    assert answered_of(np.zeros(6), ["a", "b"])["false_alarms_on_healthy"] == NOTHING


def test_each_row_of_weights_gives_its_own_matrix() -> None:
    weights = np.array([[1, 1, 1, 1, 1], [2, 0, 0, 3, 0]], dtype=np.float64)
    found = weighted_confusions(np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2, weights)
    assert found.tolist() == [[[1, 1], [1, 2]], [[2, 0], [0, 3]]]


def test_the_figures_are_those_of_scikit_learn_whatever_the_weights() -> None:
    rng = np.random.default_rng(0)
    truth, said = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    weights = rng.integers(0, 3, (5, 60)).astype(np.float64)
    figures = figures_of(weighted_confusions(truth, said, 3, weights))
    for row, counts in enumerate(weights):
        precision, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(truth, said, sample_weight=counts)
        assert figures["precision"][row] == pytest.approx(precision)
        assert figures["sensitivity"][row] == pytest.approx(recall)
        assert figures["f1"][row] == pytest.approx(f1)
        assert figures["macro_f1"][row] == pytest.approx(f1.mean())
        for label in range(3):
            specificity = sklearn.metrics.recall_score(truth != label, said != label, sample_weight=counts)
            assert figures["specificity"][row, label] == pytest.approx(specificity)


def test_what_is_absent_is_not_defined_and_spares_the_macros() -> None:
    figures = figures_of(np.array([[[3.0, 1.0], [0.0, 0.0]]]))
    assert figures["macro_recall"].tolist() == [0.75]
    assert figures["specificity"][0, 1] == 0.75
    for name in ("sensitivity", "precision", "f1"):
        assert np.isnan(figures[name][0, 1])
    assert np.isnan(figures["specificity"][0, 0])
    assert all(np.isnan(values).all() for values in figures_of(np.zeros((1, 2, 2))).values())
