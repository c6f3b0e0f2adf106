"""Every aim has its row, and no row claims what was not measured."""

from __future__ import annotations

from typing import Any

import pytest

from training.card.aims import compare_with_aims


def rows(metrics: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["aim"]: row for row in compare_with_aims(metrics)}


def test_each_row_shows_the_figure_of_the_metrics(metrics: dict[str, Any]) -> None:
    found = rows(metrics)
    pictures = metrics["cross_validation"]["pictures"]
    assert len(found) == 10
    assert found["macro F1"]["measured"] == pictures["macro_f1"]
    assert found["macro F1"]["measured"]["interval"] is not None
    for name in ("Cataract", "Conjunctivitis"):
        row = found[f"sensitivity for {name} at specificity 0.95"]
        assert row["measured"] == pictures["per_class"][name]["sensitivity_at_specificity_95"]
    assert found["real styes found"]["measured"] == pictures["per_class"]["Stye"]["sensitivity"]
    assert found["expected calibration error, 15 bins"]["measured"] == pictures["calibration"]["ece_15_bins"]
    assert found["AUROC of no eye against eyes"]["measured"] == 0.97
    assert found["AUROC of other eye conditions against eyes"]["measured"] == 0.61
    assert found["pointing game on painted styes"]["measured"] == 0.85


@pytest.mark.parametrize(("value", "reached"), [(0.92, True), (0.9199, False), (None, None)])
def test_a_least_is_reached_from_its_target_on(metrics: dict[str, Any], value: float | None, reached: Any) -> None:
    metrics["cross_validation"]["pictures"]["macro_f1"] = {"value": value, "interval": None}
    assert rows(metrics)["macro F1"]["reached"] is reached


@pytest.mark.parametrize(("value", "reached"), [(0.05, True), (0.0501, False)])
def test_a_most_is_reached_up_to_its_target(metrics: dict[str, Any], value: float, reached: bool) -> None:
    metrics["cross_validation"]["pictures"]["calibration"]["ece_15_bins"] = value
    assert rows(metrics)["expected calibration error, 15 bins"]["reached"] is reached


def test_false_alarms_count_among_the_answered_webcam_like_eyes_only(metrics: dict[str, Any]) -> None:
    counts = {"n": 20, "right": 17, "answered": 16, "right_of_answered": 15, "taken_for": {"Stye": 3}}
    metrics["cross_validation"]["by_origin"]["Healthy"] = {"jaybfn": counts, "other": {**counts, "n": 900}}
    found = rows(metrics)
    assert found["false alarms on answered webcam-like healthy eyes"]["measured"] == pytest.approx(1 / 16)
    assert found["false alarms on answered webcam-like healthy eyes"]["reached"] is False
    assert found["share of webcam-like healthy eyes that are answered"]["measured"] == 0.8


def test_what_was_not_measured_is_neither_reached_nor_missed(metrics: dict[str, Any]) -> None:
    metrics["strangers"] = {}
    metrics["heatmaps"] = {"left_out": None, "shipped": None}
    metrics["cross_validation"]["by_origin"]["Healthy"] = {}
    unknown = [row for row in compare_with_aims(metrics) if row["reached"] is None]
    assert [row["measured"] for row in unknown] == [None] * 5
