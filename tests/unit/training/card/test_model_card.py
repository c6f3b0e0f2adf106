"""The card counts what was learnt from; the committed one belongs to the committed model, and the service reads it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from src.config.settings import PROJECT_ROOT as REPOSITORY
from src.core.types import Reason
from src.services.model_file import read_model_card
from src.services.tensorflow_runtime import keras
from src.utils.files import sha256_of
from training.card.card_page import render_page
from training.card.model_card import (
    _training_data,
    compare_with_aims,
    put_in_place,
    write_card,
)
from training.data.pictures import find_pictures
from training.learning.network import CLASSES, GRAD_CAM_LAYER, INPUT_SIDE, PARAMETER_COUNT
from training.learning.samples import Sample, SampleKind

MODELS = REPOSITORY / "src" / "assets" / "models"


def test_the_card_tells_what_was_tested_from_what_was_learnt(tmp_path: Path) -> None:
    names = ("Cataract/alokgupta1996_g00396_a_1.jpg", "Cataract/site_2.jpg", "Healthy/site_3.jpg", "Healthy/unseen.jpg")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    pictures = find_pictures(tmp_path, CLASSES, all_classes=False)
    stye = CLASSES.index("Stye")
    samples = [Sample(index, SampleKind.ORIGINAL, picture.label, 0) for index, picture in enumerate(pictures[:3])]
    samples += [Sample(index, SampleKind.PAINTED_STYE, stye, 0) for index in (0, 1, 2, 2)]
    data = _training_data(pictures, samples)
    assert data["pictures"] == 4
    assert data["no_eye_found_per_class"] == {"Cataract": 0, "Conjunctivitis": 0, "Healthy": 1, "Stye": 0}
    assert data["not_learnt_from"] == ["alokgupta1996_g00396_a_1.jpg"]
    assert data["per_class"] == {"Cataract": 2, "Healthy": 2}
    assert data["per_class_and_origin"]["Cataract"] == {"alokgupta1996": 1, "site": 1}
    # Samples and hashes are of those that were learnt from only.
    assert data["painted_styes"] == 3
    assert data["samples_per_class_and_kind"] == {
        "Cataract": {"original": 1},
        "Conjunctivitis": {},
        "Healthy": {"original": 1},
        "Stye": {"painted_stye": 3},
    }
    learnt = [tmp_path / "Cataract" / "site_2.jpg", tmp_path / "Healthy" / "site_3.jpg"]
    assert data["picture_hashes"] == sorted(sha256_of(file)[:12] for file in learnt)


@pytest.fixture(scope="module")
def card() -> dict[str, Any]:
    shipped: dict[str, Any] = json.loads((MODELS / "eyenet_model_52k_ds.json").read_text(encoding="utf-8"))
    return shipped


def test_the_committed_card_says_what_the_model_takes_and_gives(card: dict[str, Any]) -> None:
    assert card["sha256"] == sha256_of(MODELS / card["file"])
    model = keras.models.load_model(MODELS / card["file"], compile=False)
    assert card["classes"] == list(CLASSES)
    assert model.output_shape == (None, len(card["classes"]))
    assert model.input_shape == (None, card["input"]["height"], card["input"]["width"], 3)
    assert card["input"]["height"] == INPUT_SIDE
    assert card["parameters"] == model.count_params() == PARAMETER_COUNT
    assert card["grad_cam_layer"] == GRAD_CAM_LAYER
    assert model.get_layer(card["grad_cam_layer"]) is not None


def test_the_service_can_calibrate_and_compare(card: dict[str, Any]) -> None:
    answering = read_model_card(MODELS / card["file"], card["sha256"])
    assert card["calibrated"] is answering.calibrated is True
    assert answering.temperature == card["calibration"]["temperature"] > 0
    assert answering.familiarity is not None
    assert answering.familiarity.statistics.typical > 0
    file = MODELS / card["familiarity"]["statistics"]
    assert file.name == "eyenet_model_52k_ds.familiarity.npz"
    assert card["familiarity"]["sha256"] == sha256_of(file)


def test_its_figures_agree_with_each_other(card: dict[str, Any]) -> None:
    figures = card["metrics"]["cross_validation"]["pictures"]
    sensitivities = [figures["per_class"][name]["sensitivity"]["value"] for name in CLASSES]
    assert figures["macro_recall"]["value"] == pytest.approx(sum(sensitivities) / len(CLASSES), abs=1e-3)
    counts = figures["confusion_matrix"]["counts"]
    assert [sum(row) for row in counts] == [figures["per_class"][name]["n"] for name in CLASSES]
    assert figures["n"] == sum(map(sum, counts))
    by_origin = card["metrics"]["cross_validation"]["by_origin"]
    for label, name in enumerate(CLASSES):
        assert sum(origin["n"] for origin in by_origin[name].values()) == figures["per_class"][name]["n"]
        assert sum(origin["right"] for origin in by_origin[name].values()) == counts[label][label]
    # Its model knows no other conditions.
    known = set(Reason) if "other_condition" in card else set(Reason) - {Reason.OTHER_CONDITION}
    assert set(card["operating_points"]["held_back"]) == {reason.value for reason in known}
    # Better than chance by far.
    assert figures["macro_recall"]["value"] >= 0.75


def test_every_aim_was_measured_and_agrees_with_the_figures(card: dict[str, Any]) -> None:
    assert card["aims"] == compare_with_aims(card["metrics"])
    assert [row["aim"] for row in card["aims"] if row["reached"] is None] == []
    for row in card["aims"]:
        if isinstance(row["measured"], dict):
            low, high = row["measured"]["interval"]
            assert low <= row["measured"]["value"] <= high
    with_interval = [row["aim"] for row in card["aims"] if isinstance(row["measured"], dict)]
    assert {"macro F1", "real styes found"} <= set(with_interval)


def test_lists_each_picture_that_was_learnt_from_and_nothing_about_the_machine(card: dict[str, Any]) -> None:
    data = card["training_data"]
    hashes = data["picture_hashes"]
    assert all(re.fullmatch("[0-9a-f]{12}", digits) for digits in hashes)
    believed = data["pictures"] - len(data["not_learnt_from"])
    assert believed - sum(data["no_eye_found_per_class"].values()) <= len(hashes) <= believed
    assert sum(data["per_class"].values()) == data["pictures"]
    page = (MODELS / "eyenet_model_52k_ds.md").read_text(encoding="utf-8")
    assert page == render_page(card)
    for text in (json.dumps(card), page):
        assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users|mnt|opt|var)\b", text)
        assert str(REPOSITORY) not in text


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


def test_a_least_is_reached_from_its_target_on_and_a_most_up_to_it(metrics: dict[str, Any]) -> None:
    pictures = metrics["cross_validation"]["pictures"]
    for value, reached in ((0.92, True), (0.9199, False), (None, None)):
        pictures["macro_f1"] = {"value": value, "interval": None}
        assert rows(metrics)["macro F1"]["reached"] is reached
    for value, reached in ((0.05, True), (0.0501, False)):
        pictures["calibration"]["ece_15_bins"] = value
        assert rows(metrics)["expected calibration error, 15 bins"]["reached"] is reached


def test_false_alarms_count_among_the_answered_webcam_like_eyes_only(metrics: dict[str, Any]) -> None:
    counts = {"n": 18, "no_eye": 2, "right": 17, "answered": 16, "right_of_answered": 15, "taken_for": {"Stye": 1}}
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


SUFFIXES = (".h5", ".json", ".md", ".familiarity.npz")


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_card({"recall": float("nan")}, tmp_path / "card.json")
    assert not (tmp_path / "card.json").exists()


def test_all_files_of_a_model_take_the_place_of_what_was_there(tmp_path: Path) -> None:
    draft, target = tmp_path / "draft" / "a.h5", tmp_path / "models" / "b.h5"
    for folder in (draft.parent, target.parent):
        folder.mkdir()
    for suffix in SUFFIXES:
        draft.with_suffix(suffix).write_text(suffix)
    # First there is nothing, then another model.
    for there_before in ((), SUFFIXES):
        for suffix in there_before:
            target.with_suffix(suffix).write_text("old")
        put_in_place(draft, target)
        assert {file.name: file.read_text() for file in target.parent.iterdir()} == {f"b{s}": s for s in SUFFIXES}
