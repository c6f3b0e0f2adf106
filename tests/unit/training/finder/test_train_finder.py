"""The finder's training writes weights that the service reads, and a card that is of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.services.eye_finder import FINDER_FILE, EyeFinder
from src.utils.files import sha256_of
from training.finder.labels import LABELS
from training.train_finder import main


@pytest.fixture
def arguments(labelled_folder: tuple[Path, Path], tmp_path: Path) -> list[str]:
    data, labels = labelled_folder
    small = ["--steps", "2", "--batch", "2"]
    return ["--data", str(data), "--labels", str(labels), "--out", str(tmp_path / "finder.npz"), *small]


@pytest.mark.training
def test_it_makes_a_finder_with_its_card_and_a_second_run_trains_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--cache", str(tmp_path / "cache")]) == 0
    file = tmp_path / "finder.npz"
    card = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == sha256_of(file)
    assert card["figures"]["whole face"]["photos"] == 4
    assert card["learnt_from"]["photos"] == {"faces": 8, "not_an_eye": 2}
    EyeFinder(file)
    before = file.read_bytes()
    assert main([*arguments, "--cache", str(tmp_path / "cache")]) == 0
    assert file.read_bytes() == before
    assert "whole face" in capsys.readouterr().out


def test_without_photos_it_does_not_begin(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments[1] = str(tmp_path / "nowhere")
    assert main(arguments) == 2
    assert "cannot start" in capsys.readouterr().err


def test_the_card_that_came_with_the_code_is_of_the_weights_that_came_with_it() -> None:
    card = json.loads(FINDER_FILE.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["sha256"] == sha256_of(FINDER_FILE)
    assert card["labels_sha256"] == sha256_of(LABELS)
    for figures in card["figures"].values():
        assert max(figures["right"], figures["answered"], figures["sure"]) <= figures["photos"]
        assert figures["sides_right"] <= figures["sides_said"] <= figures["sides_known"]
