"""A picture is known by its content, not by its name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from src.utils.files import sha256_of
from training.data.pictures import LabelledPicture, find_pictures
from training.data.training_overlap import count_trained_on


@pytest.fixture
def pictures(tmp_path: Path) -> list[LabelledPicture]:
    (tmp_path / "A").mkdir()
    for name in ("1", "2", "3"):
        (tmp_path / "A" / f"{name}.jpg").write_bytes(name.encode())
    return find_pictures(tmp_path, ["A"])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model.h5"
    file.write_bytes(b"weights")
    return file


def write_card(model: Path, **training_data: object) -> None:
    card = {"sha256": sha256_of(model), "training_data": training_data}
    model.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")


def test_counts_the_pictures_that_the_card_lists(pictures: list[LabelledPicture], model: Path) -> None:
    write_card(model, picture_hashes=[sha256_of(pictures[1].file)[:12], "0" * 12])
    assert count_trained_on(pictures, model) == {"pictures": 1, "of": 3}


def test_a_card_without_a_list_says_nothing(pictures: list[LabelledPicture], model: Path) -> None:
    write_card(model, pictures=3)
    assert count_trained_on(pictures, model) is None


def test_a_model_without_a_card_says_nothing(pictures: list[LabelledPicture], model: Path) -> None:
    assert count_trained_on(pictures, model) is None


def test_the_card_of_another_model_says_nothing(pictures: list[LabelledPicture], model: Path) -> None:
    write_card(model, picture_hashes=[])
    model.write_bytes(b"other weights")
    assert count_trained_on(pictures, model) is None
