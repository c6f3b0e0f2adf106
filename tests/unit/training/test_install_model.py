"""A better model takes the place of the one in use, which is kept; a worse one does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras
from src.utils.files import sha256_of
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network
from training.card.model_card import write_answering_card, write_card
from training.install_model import main
from training.learning.network import CLASSES, save_network
from training.validation.calibration import fit_familiarity

Write = Callable[..., Path]
NAME = "eyes.h5"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A model with a card of that macro F1; its seed tells it from others."""

    def written(folder: str, macro_f1: float, seed: int, name: str = NAME) -> Path:
        file = tmp_path / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        keras.utils.set_random_seed(seed)
        network = build_small_network()
        save_network(network, file)
        measures = 2 * network.get_layer("densenet121").get_layer(FROZEN_UP_TO).output_shape[-1]
        familiarity = fit_familiarity(np.random.default_rng(seed).normal(size=(4, measures)))
        answering = write_answering_card(file, 1.0, familiarity, f"densenet121/{FROZEN_UP_TO}")
        share = {"value": macro_f1, "interval": None}
        figures: dict[str, Any] = {"macro_f1": share, "accuracy": share}
        figures["per_class"] = {name: {"sensitivity": share} for name in CLASSES}
        card = {"created": "2026-01-02", "training_data": {"pictures": 20}, **answering}
        card["metrics"] = {"cross_validation": {"pictures": figures}}
        write_card(card, file.with_suffix(".json"))
        file.with_suffix(".md").write_text(f"Of seed {seed}.")
        return file

    return written


@pytest.fixture
def in_use(write: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = write("in_use", 0.8, seed=1)
    monkeypatch.setenv("MODEL_PATH", str(file))
    return file


def files_of(model: Path) -> dict[str, str]:
    return {file.suffix: sha256_of(file) for file in model.parent.glob("eyes.*")}


def test_a_better_one_takes_the_place_and_the_one_before_comes_back_and_forth(
    write: Write, in_use: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = write("build", 0.9, seed=2)
    before, better = files_of(in_use), files_of(new)
    assert len(before) == 4
    assert main([str(new)]) == 0
    told = capsys.readouterr().out
    assert "0.800" in told
    assert "0.900" in told
    assert all(name in told for name in CLASSES)
    assert files_of(in_use) == files_of(new) == better
    assert files_of(in_use.parent / "previous" / NAME) == before
    for now in (before, better):
        assert main(["previous"]) == 0
        assert files_of(in_use) == now
    assert files_of(in_use.parent / "previous" / NAME) == before
    assert len(list((in_use.parent / "previous").iterdir())) == 4


def test_a_worse_one_is_refused_unless_told(write: Write, in_use: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = write("build", 0.7, seed=2)
    before = files_of(in_use)
    assert main([str(new)]) == 1
    assert "The new model is worse" in capsys.readouterr().err
    assert files_of(in_use) == before
    assert main([str(new), "--anyway"]) == 0
    assert files_of(in_use) == files_of(new)


def test_what_cannot_be_used_changes_nothing(
    write: Write, in_use: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(in_use)
    broken, without_figures, other_name = (
        write("broken", 0.9, seed=2),
        write("without", 0.9, seed=3),
        write("other", 0.9, seed=4, name="other.h5"),
    )
    broken.write_bytes(broken.read_bytes()[:1000])
    without_figures.with_suffix(".json").write_text("{}")
    complaints = {
        broken: "MODEL_PATH is wrong",
        without_figures: "no card with the figures of a cross-validation",
        other_name: "has to be called eyes.h5",
        in_use: "is the model in use",
        tmp_path / "none" / NAME: "no card",
        Path("previous"): "no card",
    }
    for model, sentence in complaints.items():
        assert main([str(model)]) == 2
        assert sentence in capsys.readouterr().err
        assert files_of(in_use) == before
