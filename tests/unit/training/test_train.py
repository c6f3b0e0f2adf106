"""The command explains what it lacks, and makes a model, its card and a report of a small folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.core.types import RgbImage
from src.services import people
from src.services.model_file import read_model_card
from src.services.tensorflow_runtime import keras
from src.utils.files import sha256_of
from src.utils.png_writer import encode_png
from tests.unit.training.small_network import build_small_backbone, build_small_network
from training import train
from training.card.card_page import render_page
from training.data.pictures import LabelledPicture
from training.learning.network import CLASSES
from training.train import main

# Whole trainings and their tests: minutes on a machine that is busy with something else.
pytestmark = pytest.mark.timeout(1200)


WRITTEN = ["model.familiarity.npz", "model.h5", "model.json", "model.md"]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random ones, of the small backbone."""
    file = tmp_path_factory.mktemp("weights") / "backbone.h5"
    keras.utils.set_random_seed(0)
    build_small_backbone().save_weights(file)
    return file


@pytest.fixture
def data(tmp_path: Path, drawn_eye: RgbImage) -> Path:
    """Two origins with one eye of each class."""
    for label, name in enumerate(CLASSES):
        for origin in "ab":
            put(tmp_path / "data" / name / f"{origin}_{label}.png", drawn_eye)
    return tmp_path / "data"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds instead of a minute: the command does the same with any backbone."""
    monkeypatch.setattr(train, "build_network", build_small_network)


def put(file: Path, picture: RgbImage) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(encode_png(picture))


def run(folder: Path, data: Path, weights: Path, *more: object) -> int:
    options = ["--data", data, "--weights", weights, "--out", folder / "out" / "model.h5", "--cache", folder / "cache"]
    options += ["--report", folder / "report", "--folds", 2, "--head-steps", 1, "--steps", 2, "--views", 64]
    options += ["--copies-per-class", 2, "--painted-styes", 4, *more]
    return main([str(option) for option in options], heatmap_cases=2, quality_pictures=1)


def test_what_is_missing_or_wrong_stops_the_start(
    data: Path, tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def complaint(*arguments: Any) -> str:
        assert run(tmp_path, *arguments) == 2
        told = capsys.readouterr().err
        assert told.startswith("cannot start: ")
        return told

    missing, text, empty = tmp_path / "none.h5", tmp_path / "text.h5", tmp_path / "empty"
    text.write_text("no weights")
    empty.mkdir()
    assert "Cataract" in complaint(empty, missing)
    # A folder of strangers without pictures stops it before the training.
    assert "no pictures in" in complaint(data, weights, "--not-an-eye", empty)
    # The tests of the new model go through the service, hours later.
    wrong = {"CLASSES": "Healthy,Stye,Cataract,Conjunctivitis", "GRAD_CAM_LAYER": "multiply", "CROP_PADDING_Y": "30"}
    wrong["MIN_CONFIDENCE"] = "0.6"
    for name, value in wrong.items():
        with monkeypatch.context() as environment:
            environment.setenv(name, value)
            assert f"{name} is wrong" in complaint(data, weights)
    monkeypatch.setattr(train, "build_network", build_small_network)
    assert "none.h5" in complaint(data, missing)
    complaint(data, text)
    (data / "Healthy" / "b_2.png").unlink()
    assert "all pictures of Healthy would be tested together" in complaint(data, weights)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(("text", "sentence"), [("1", "must be 2 or more, not 1"), ("few", "invalid int value: 'few'")])
def test_wrong_numbers_stop_the_start(capsys: pytest.CaptureFixture[str], text: str, sentence: str) -> None:
    with pytest.raises(SystemExit):
        main(["--data", "x", "--weights", "y", "--folds", text])
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_a_damaged_picture_is_named_and_pictures_without_eyes_are_refused(
    data: Path, tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = data / "Healthy" / "a_broken.jpg"
    broken.write_bytes(b"not a picture")
    assert run(tmp_path, data, weights) == 2
    assert "a_broken.jpg" in capsys.readouterr().err
    broken.unlink()
    for file in data.glob("*/*.png"):
        put(file, np.zeros((64, 64, 3), np.uint8))
    assert run(tmp_path, data, weights) == 2
    assert "the service found no eye in any picture" in capsys.readouterr().err


@pytest.mark.usefixtures("small")
def test_what_cannot_be_measured_is_said_so(
    data: Path, tmp_path: Path, weights: Path, drawn_eye: RgbImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eyes of which the search is not sure take no painted styes; without copies other figures are gone, too."""
    monkeypatch.setattr(people, "_SURE", 1.1)
    for number in range(3):
        put(data / "Healthy" / f"a_{number}.png", drawn_eye)
    assert run(tmp_path, data, weights, "--copies-per-class", 0, "--leave-out-origins") == 0
    card = card_of(tmp_path)
    assert card["metrics"]["heatmaps"] == {"left_out": None, "shipped": None}
    assert card["metrics"]["cross_validation"]["degraded_copies_of_the_same_pictures"] is None
    assert card["metrics"]["cross_validation"]["painted_styes"]["recall"] is None
    unknown = {row["aim"] for row in card["aims"] if row["reached"] is None}
    assert unknown >= {"pointing game on painted styes", "AUROC of no eye against eyes"}
    assert "Not measured" in (tmp_path / "out" / "model.md").read_text(encoding="utf-8")


def test_an_origin_that_holds_all_there_is_to_learn_from_is_not_left_out() -> None:
    def pictures(*origins: str) -> list[LabelledPicture]:
        return [LabelledPicture(Path("x"), label, origin, origin, 0) for label in range(4) for origin in origins]

    assert train._origins_to_leave_out(pictures("a", "a", "a", "b")) == ["a"]
    assert train._origins_to_leave_out(pictures("a", "a", "a")) == []


def test_faces_that_models_are_measured_on_take_no_eyes(tmp_path: Path, drawn_eye: RgbImage) -> None:
    for name in ("lfw_1.png", "somebody_1.png", "group/somebody_2.png"):
        put(tmp_path / "faces" / name, drawn_eye)
    assert {file.name for file in train._hosts(tmp_path / "faces")} == {"somebody_1.png", "somebody_2.png"}
    assert train._hosts(None) == []


@pytest.mark.usefixtures("small")
def test_makes_a_model_its_card_and_a_report_and_a_second_run_trains_nothing(
    data: Path, tmp_path: Path, weights: Path, drawn_eye: RgbImage
) -> None:
    put(data / "Healthy" / "a_77.png", drawn_eye)
    put(data / "Stye" / "a_99.png", np.zeros_like(drawn_eye))
    put(tmp_path / "strange" / "1.png", drawn_eye)
    more = ("--leave-out-origins", "--other-conditions", tmp_path / "strange")
    assert run(tmp_path, data, weights, *more) == 0

    out = tmp_path / "out" / "model.h5"
    assert sorted(file.name for file in out.parent.iterdir()) == WRITTEN
    card = card_of(tmp_path)
    answering = read_model_card(out, sha256_of(out))
    assert answering.calibrated
    assert answering.temperature == card["calibration"]["temperature"]
    assert answering.familiarity is not None
    assert answering.reliability is not None
    assert answering.least_confidence == tuple(card["least_confidence"].values())
    assert card["metrics"]["cross_validation"]["pictures"]["n"] == 9
    assert card["metrics"]["origins_never_seen"]["a"]["Healthy"]["n"] == 2
    assert card["metrics"]["strangers"]["other_eye_conditions"]["n"] == 1
    assert str(tmp_path) not in json.dumps(card)
    assert out.with_suffix(".md").read_text(encoding="utf-8") == render_page(card)
    assert keras.models.load_model(out, compile=False).output_shape == (None, 4)
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert [left_out["file"] for left_out in report["left_out"]] == ["Stye/a_99.png"]
    assert len(report["cases"]) == 9

    # Two folds, one model without the origin that has most healthy eyes, one that learnt from everything.
    models = written_at(tmp_path)
    assert len(models) == 4
    assert run(tmp_path, data, weights, *more) == 0
    assert written_at(tmp_path) == models
    assert card_of(tmp_path) == card


def card_of(folder: Path) -> dict[str, Any]:
    card: dict[str, Any] = json.loads((folder / "out" / "model.json").read_text(encoding="utf-8"))
    return card


def written_at(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (folder / "cache" / "models").glob("*.h5")}
