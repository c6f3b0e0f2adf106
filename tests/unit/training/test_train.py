"""The command explains what it lacks, and makes a model and its card of a small folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.core.types import RgbImage
from src.services.tensorflow_runtime import keras
from src.training.network import CLASSES, build_backbone
from src.training.train import main
from src.utils.file_hash import sha256_of
from src.utils.image_codec import encode_png


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "backbone.h5"
    build_backbone().save_weights(file)
    return file


@pytest.fixture
def data(tmp_path: Path, drawn_eye: RgbImage) -> Path:
    for name in CLASSES:
        for origin in "ab":
            file = tmp_path / "data" / name / f"{origin}_1.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode_png(drawn_eye))
    return tmp_path / "data"


def test_a_missing_class_stops_the_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--weights", str(tmp_path / "none.h5")]) == 2
    assert "Cataract" in capsys.readouterr().err


def test_missing_weights_stop_the_start(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "--weights", str(tmp_path / "none.h5")]) == 2
    assert "none.h5" in capsys.readouterr().err


def test_wrong_numbers_stop_the_start(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--data", "x", "--weights", "y", "--folds", "1"])
    assert "2 or more" in capsys.readouterr().err


def test_makes_a_model_and_its_card(data: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "model.h5"
    options = ["--data", data, "--weights", weights, "--out", out, "--cache", tmp_path / "cache"]
    options += ["--folds", 2, "--steps", 2, "--leave-out-origins", "--copies-per-class", 2, "--painted-styes", 2]
    assert main([str(option) for option in options]) == 0
    card = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == sha256_of(out)
    assert card["metrics"]["cross_validation"]["pictures"]["n"] == 8
    assert str(tmp_path) not in json.dumps(card)
    assert keras.models.load_model(out, compile=False).output_shape == (None, 4)
    assert sorted(file.name for file in out.parent.iterdir()) == ["model.h5", "model.json"]
