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
from src.utils.png_writer import encode_png
from src.utils.preprocessing import to_network_input
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network, described
from tests.unit.training.validation.conftest import Trial
from training.card.model_card import write_answering_card
from training.data.pictures import LabelledPicture
from training.evaluation.examination import Case, Examination, LeftOut, without_eye
from training.evaluation.measures import measure_cases
from training.learning.network import CLASSES, save_network
from training.learning.samples import SampleKind
from training.learning.trainer import describe
from training.validation import figures
from training.validation.calibration import fit_familiarity
from training.validation.cross_validation import TestedPictures as Answers
from training.validation.figures import (
    _auroc,
    _of_copies,
    describe_operating_points,
    figures_for_card,
    figures_of_unseen_origins,
    figures_without_doubtful_labels,
    find_strangers,
    measure_by_origin,
    measure_strangers,
)


def case(truth: int, said: int, *reasons: str, confidence: float = 0.7, classes: int = 3, file: str = "x") -> Case:
    probabilities = np.full(classes, (1 - confidence) / (classes - 1), np.float32)
    probabilities[said] = confidence
    return Case(file, truth, probabilities, reasons=reasons)


def picture(label: int, origin: str = "o", group: str = "none") -> LabelledPicture:
    return LabelledPicture(Path("x.png"), label, origin, f"{origin}/{group}", 0)


def test_the_section_of_the_card_tells_pictures_from_copies_and_names_no_file(trial: Trial) -> None:
    cases = [case(label, label, classes=4) for label in range(4)]
    cases += [case(0, 2, classes=4, file="Cataract/one.png"), case(0, 2, "blurry", classes=4, file="Cataract/two.png")]
    tested = Answers(cases, [f"o/{index}" for index in range(6)], ["o"] * 6, [False] * 5 + [True])
    tested.left_out = [LeftOut(picture(0), "No eye in it.", True), LeftOut(picture(1), "It is broken.", False)]
    measured = measure_cases(tested.cases, CLASSES, tested.groups, without_eye(tested.left_out), seed=0)
    section = figures_for_card(measured, tested, trial.validation)
    pictures = section["pictures"]
    assert pictures["n"] == 6
    assert pictures["per_class"]["Cataract"]["sensitivity"]["value"] == pytest.approx(1 / 3, abs=1e-4)
    assert pictures["answered"]["n"] == 5
    assert pictures["answered"]["coverage"]["value"] == pytest.approx(5 / 7, abs=1e-4)
    assert [pictures["per_class"][name]["no_eye"] for name in CLASSES] == [1, 0, 0, 0]
    assert section["by_origin"]["Cataract"]["o"]["no_eye"] == 1
    assert section["by_origin"]["Cataract"]["o"]["taken_for"] == {"Healthy": 2}
    assert section["without_doubtful_labels"]["n"] == 5
    assert section["without_doubtful_labels"]["per_class"]["Cataract"]["sensitivity"] == 0.5
    assert figures_without_doubtful_labels(replace(tested, doubtful=[False] * 6)) is None
    natural = {SampleKind.PHOTOGRAPHED, SampleKind.HARMLESS_PAINT}
    copies = sum(sample.kind in natural for sample in trial.rendered.samples)
    assert section["degraded_copies_of_the_same_pictures"]["n"] == copies
    assert section["painted_styes"]["n"] == len(trial.pictures)
    assert 0 <= section["painted_styes"]["recall"] <= 1
    # The curves are left to the report, and in a clinic's folder a file's name may be a person's.
    text = json.dumps(section, allow_nan=False)
    assert not any(words in text for words in ('"roc"', '"bins"', '"risk_coverage"', ".png"))
    assert "ece_15_bins" in text
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


def test_counts_are_kept_apart_by_class_and_origin_in_order() -> None:
    cases = [case(0, 0), case(0, 1), case(0, 2, "blurry"), case(0, 1), case(0, 0), case(1, 1, "blurry")]
    no_eye = [picture(0, "x"), picture(0, "x"), picture(1, "z")]
    found = measure_by_origin(cases, ["x", "x", "x", "x", "y", "x"], no_eye, ["A", "B", "C"])
    assert found["A"]["x"] == {
        "n": 4,
        "right": 1,
        "answered": 3,
        "right_of_answered": 1,
        "no_eye": 2,
        "taken_for": {"B": 2, "C": 1},
    }
    nothing = {"n": 0, "right": 0, "answered": 0, "right_of_answered": 0, "no_eye": 0, "taken_for": {}}
    assert found["A"]["y"] == {**nothing, "n": 1, "right": 1, "answered": 1, "right_of_answered": 1}
    assert found["B"]["x"] == {**nothing, "n": 1, "right": 1}
    assert found["B"]["z"] == {**nothing, "no_eye": 1}
    assert found["C"] == {}
    assert json.loads(json.dumps(found)) == found
    assert list(measure_by_origin([case(0, 0)] * 3, ["c", "a", "b"], [], ["A", "B"])["A"]) == ["a", "b", "c"]


def test_operating_points_say_whom_each_reason_holds_back_and_that_more_confidence_answers_less(
    settings: Settings,
) -> None:
    cases = [
        case(0, 0, confidence=0.95),
        case(0, 0, "blurry", "low_confidence", confidence=0.55),
        case(0, 1, "blurry", confidence=0.75),
        case(1, 1, confidence=0.85),
    ]
    classes, thresholds = ["Healthy", "Stye", "Cataract"], Thresholds.from_settings(settings)
    points = describe_operating_points(cases, [], classes, thresholds)
    assert points["thresholds"]["min_confidence"] == [0.6] * 4
    assert points["thresholds"]["max_unfamiliarity"] == settings.max_unfamiliarity
    assert list(points["held_back"]) == [reason.value for reason in Reason]
    assert points["held_back"]["blurry"] == {"Healthy": 2, "Stye": 0, "Cataract": 0}
    assert points["held_back"]["low_confidence"] == {"Healthy": 1, "Stye": 0, "Cataract": 0}
    assert points["held_back"]["too_dark"] == {"Healthy": 0, "Stye": 0, "Cataract": 0}
    assert [row["coverage"] for row in points["min_confidence"]] == [1, 1, 0.75, 0.75, 0.5, 0.25]
    at = {row["min_confidence"]: row for row in points["min_confidence"]}
    assert at[0.4]["accuracy"] == 0.75
    assert at[0.6]["accuracy"] == pytest.approx(0.6667)
    assert at[0.6]["accuracy_on_healthy"] == 0.5
    assert at[0.8]["accuracy_on_healthy"] == 1
    assert at[0.6]["coverage_per_class"] == {"Healthy": 0.6667, "Stye": 1, "Cataract": None}
    assert at[0.9]["coverage_per_class"]["Stye"] == 0
    assert json.loads(json.dumps(points, allow_nan=False)) == points
    # An eye that is not found is not answered, however little confidence is asked for.
    unseen = describe_operating_points(cases, [picture(1)] * 4, classes, thresholds)["min_confidence"]
    assert [row["coverage"] for row in unseen] == [0.5, 0.5, 0.375, 0.375, 0.25, 0.125]
    assert unseen[0]["coverage_per_class"] == {"Healthy": 1, "Stye": 0.2, "Cataract": None}


def test_strangers_are_found_in_subfolders_and_a_folder_without_any_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        find_strangers(tmp_path)
    for name in ("b/c/2.PNG", "1.jpg", "b/note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [picture.file.name for picture in find_strangers(tmp_path)] == ["1.jpg", "2.PNG"]
    assert len({picture.group for picture in find_strangers(tmp_path)}) == 2


def eyes(*unfamiliarity: float | None) -> list[Case]:
    return [Case("x", 0, np.full(4, 0.25, np.float32), unfamiliarity=value) for value in unfamiliarity]


@pytest.mark.parametrize(
    ("strangers", "known", "expected"),
    [
        ([3.0, 4.0], [1.0, 2.0], 1.0),
        ([1.0, 4.0], [2.0, 3.0], 0.5),
        ([1.0], [1.0], 0.5),
        ([0.5], [1.0, 2.0], 0.0),
        ([None], [1.0], None),
        ([], [1.0], None),
    ],
)
def test_the_area_is_how_often_a_stranger_is_stranger_where_somebody_compared(
    strangers: list[float | None], known: list[float | None], expected: float | None
) -> None:
    assert _auroc(eyes(*strangers), eyes(*known)) == expected


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
    features = described(network)(crops).numpy()
    statistics = fit_familiarity(describe(features[:30]))
    typical = float(np.median(statistics.unfamiliarity(describe(features[30:]))))
    write_answering_card(file, 1.0, fit_familiarity(describe(features[:30]), typical), f"densenet121/{FROZEN_UP_TO}")
    return file


def test_strangers_are_what_the_service_says_of_them(
    tmp_path: Path, settings: Settings, model: Path, drawn_eye: RgbImage, face: RgbImage
) -> None:
    """Both eyes of a face are strange to a model that knows drawn ones; a black picture shows none."""
    (tmp_path / "strange").mkdir()
    for name, rgb in {"face": face, "black": np.zeros_like(drawn_eye)}.items():
        (tmp_path / "strange" / f"{name}.png").write_bytes(encode_png(rgb))
    (tmp_path / "strange" / "broken.jpg").write_bytes(b"not a picture")
    own = settings.model_copy(update={"model_path": model})
    found: dict[str, Any] = measure_strangers(own, find_strangers(tmp_path / "strange"), eyes(0.1, 0.2))
    assert (found["n"], found["unreadable"], found["eyes"]) == (2, 1, 2)
    assert (found["no_eye"], found["held_back"]) == (0.5, 1)
    assert found["not_an_eye"] == found["inconclusive"] == 1
    assert found["unfamiliar"] == 0
    assert found["auroc_of_unfamiliarity"] == 1
    assert found["reasons"][Reason.NOT_AN_EYE.value] == 2
    assert json.loads(json.dumps(found)) == found


def test_a_stranger_is_held_back_where_no_eye_is_found_or_nothing_said_without_doubt(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two in which none is found, one that cannot be read, a doubtful one, and two eyes of which one is doubtful."""
    strangers = [picture(0, group=str(number)) for number in range(5)]
    examination = Examination(
        cases=[case(0, 1, "not_an_eye"), case(0, 1, "blurry"), case(0, 2)],
        groups=[strangers[3].group, strangers[4].group, strangers[4].group],
        examined=strangers[3:5],
        left_out=[LeftOut(one, "Why.", no_eye=one is not strangers[2]) for one in strangers[:3]],
    )
    monkeypatch.setattr(figures, "examine_with", lambda *_: (examination, None))
    found = measure_strangers(settings, strangers, [])
    assert (found["n"], found["unreadable"], found["eyes"]) == (4, 1, 3)
    assert (found["no_eye"], found["held_back"]) == (0.5, 0.75)
    assert (found["not_an_eye"], found["inconclusive"]) == (0.3333, 0.6667)
