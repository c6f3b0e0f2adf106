"""The figures of the card add up, and say what they were measured on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import Reason, RgbImage
from src.services.judgement import Thresholds
from src.services.tensorflow_runtime import keras
from src.utils.image_codec import encode_png
from src.utils.preprocessing import to_network_input
from tests.unit.training.small_network import build_small_network
from tests.unit.training.validation.conftest import Trial
from training.card.model_files import write_answering_card
from training.evaluation.examination import Case
from training.learning.network import CLASSES, frozen_part, save_network
from training.learning.samples import SampleKind
from training.validation import cross_validation
from training.validation.calibration import describe, fit_familiarity
from training.validation.figures import (
    _auroc,
    _of_copies,
    describe_operating_points,
    figures_for_card,
    figures_of_pictures,
    figures_of_unseen_origins,
    figures_without_doubtful_labels,
    find_strangers,
    measure_by_origin,
    measure_strangers,
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


@pytest.mark.training
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


@pytest.mark.training
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


LETTERS = ["A", "B", "C"]


def letter_case(truth: int, said: int, *reasons: str) -> Case:
    return Case("x", truth, np.eye(3, dtype=np.float32)[said], reasons=reasons)


def test_counts_are_kept_apart_by_class_and_origin() -> None:
    cases = [
        letter_case(0, 0),
        letter_case(0, 1),
        letter_case(0, 2, "blurry"),
        letter_case(0, 1),
        letter_case(0, 0),
        letter_case(1, 1, "blurry"),
    ]
    found = measure_by_origin(cases, ["x", "x", "x", "x", "y", "x"], LETTERS)
    assert found["A"]["x"] == {
        "n": 4,
        "right": 1,
        "answered": 3,
        "right_of_answered": 1,
        "taken_for": {"B": 2, "C": 1},
    }
    assert found["A"]["y"] == {"n": 1, "right": 1, "answered": 1, "right_of_answered": 1, "taken_for": {}}
    assert found["B"]["x"] == {"n": 1, "right": 1, "answered": 0, "right_of_answered": 0, "taken_for": {}}
    assert found["C"] == {}
    assert json.loads(json.dumps(found)) == found


def test_origins_come_in_their_order() -> None:
    assert list(measure_by_origin([letter_case(0, 0)] * 3, ["c", "a", "b"], LETTERS)["A"]) == ["a", "b", "c"]


NAMES = ["Healthy", "Stye", "Cataract"]


def sure_case(truth: int, said: int, confidence: float, *reasons: Reason) -> Case:
    probabilities = np.full(3, (1 - confidence) / 2, np.float32)
    probabilities[said] = confidence
    return Case("x", truth, probabilities, reasons=tuple(reason.value for reason in reasons))


@pytest.fixture(scope="module")
def points(settings: Settings) -> dict[str, Any]:
    cases = [
        sure_case(0, 0, 0.95),
        sure_case(0, 0, 0.55, Reason.BLURRY, Reason.LOW_CONFIDENCE),
        sure_case(0, 1, 0.75, Reason.BLURRY),
        sure_case(1, 1, 0.85),
    ]
    return describe_operating_points(cases, NAMES, Thresholds.from_settings(settings))


def at(points: dict[str, Any], confidence: float) -> dict[str, Any]:
    row: dict[str, Any] = next(row for row in points["min_confidence"] if row["min_confidence"] == confidence)
    return row


def test_names_the_thresholds_in_use(points: dict[str, Any], settings: Settings) -> None:
    assert points["thresholds"]["min_confidence"] == settings.min_confidence
    assert points["thresholds"]["max_unfamiliarity"] == settings.max_unfamiliarity


def test_every_reason_says_whom_it_holds_back(points: dict[str, Any]) -> None:
    assert list(points["held_back"]) == [reason.value for reason in Reason]
    assert points["held_back"]["blurry"] == {"Healthy": 2, "Stye": 0, "Cataract": 0}
    assert points["held_back"]["low_confidence"] == {"Healthy": 1, "Stye": 0, "Cataract": 0}
    assert points["held_back"]["too_dark"] == {"Healthy": 0, "Stye": 0, "Cataract": 0}


def test_a_higher_confidence_answers_less(points: dict[str, Any]) -> None:
    assert [row["coverage"] for row in points["min_confidence"]] == [1, 1, 0.75, 0.75, 0.5, 0.25]
    assert at(points, 0.4)["accuracy"] == 0.75
    assert at(points, 0.6)["accuracy"] == pytest.approx(0.6667)
    assert at(points, 0.6)["accuracy_on_healthy"] == 0.5
    assert at(points, 0.8)["accuracy_on_healthy"] == 1
    assert at(points, 0.6)["coverage_per_class"] == {"Healthy": 0.6667, "Stye": 1, "Cataract": None}
    assert at(points, 0.9)["coverage_per_class"]["Stye"] == 0


def test_it_is_ready_for_json(points: dict[str, Any]) -> None:
    assert json.loads(json.dumps(points, allow_nan=False)) == points


def eye(unfamiliarity: float | None) -> Case:
    return Case("x", 0, np.full(4, 0.25, np.float32), unfamiliarity=unfamiliarity)


def test_subfolders_are_searched_and_other_files_passed_over(tmp_path: Path) -> None:
    for name in ("b/c/2.PNG", "1.jpg", "b/note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [picture.file.name for picture in find_strangers(tmp_path)] == ["1.jpg", "2.PNG"]
    assert len({picture.group for picture in find_strangers(tmp_path)}) == 2


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        find_strangers(tmp_path)


@pytest.mark.parametrize(
    ("strangers", "eyes", "expected"),
    [([3.0, 4.0], [1.0, 2.0], 1.0), ([1.0, 4.0], [2.0, 3.0], 0.5), ([1.0], [1.0], 0.5), ([0.5], [1.0, 2.0], 0.0)],
)
def test_the_area_is_how_often_a_stranger_is_stranger(
    strangers: list[float], eyes: list[float], expected: float
) -> None:
    assert _auroc([eye(value) for value in strangers], [eye(value) for value in eyes]) == expected


def test_where_nobody_compared_there_is_no_area() -> None:
    assert _auroc([eye(None)], [eye(1.0)]) is None
    assert _auroc([], [eye(1.0)]) is None


@pytest.fixture
def model(tmp_path: Path, drawn_eye: RgbImage) -> Path:
    """One that knows drawn eyes, brighter and darker ones."""
    keras.utils.set_random_seed(0)
    network = build_small_network()
    file = tmp_path / "model.h5"
    save_network(network, file)
    dice = np.random.default_rng(0)
    known = [np.clip(drawn_eye * dice.uniform(0.6, 1.2, 3), 0, 255).astype(np.uint8) for _ in range(40)]
    crops = np.stack([to_network_input(picture, 224) for picture in known]).astype(np.float32) / 255
    features = frozen_part(network.get_layer("densenet121"))(crops).numpy()
    statistics = fit_familiarity(describe(features[:30]))
    typical = float(np.median(statistics.unfamiliarity(describe(features[30:]))))
    write_answering_card(file, 1.0, fit_familiarity(describe(features[:30]), typical))
    return file


@pytest.mark.training
def test_strangers_are_what_the_service_says_of_them(
    tmp_path: Path, settings: Settings, model: Path, drawn_eye: RgbImage
) -> None:
    """Noise is no eye, a black picture is refused, and a drawn eye is not strange at all."""
    noise = np.random.default_rng(1).integers(0, 256, drawn_eye.shape, dtype=np.uint8)
    for name, picture in {"noise": noise, "black": np.zeros_like(drawn_eye), "eye": drawn_eye}.items():
        (tmp_path / "strange").mkdir(exist_ok=True)
        (tmp_path / "strange" / f"{name}.png").write_bytes(encode_png(picture))
    own = settings.model_copy(update={"model_path": model, "not_an_eye_from": 50.0, "max_unfamiliarity": 20.0})
    found: dict[str, Any] = measure_strangers(own, find_strangers(tmp_path / "strange"), [eye(20.0), eye(30.0)])
    assert found["n"] == 2
    assert found["refused"] == 1
    assert found["not_an_eye"] == 0.5
    assert found["unfamiliar"] == 0
    assert found["auroc_of_unfamiliarity"] == 0.5
    assert found["reasons"][Reason.NOT_AN_EYE.value] == 1
    assert 0.5 <= found["inconclusive"] <= 1
    assert json.loads(json.dumps(found)) == found
