"""The service reads from a card what was written on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from src.services.familiarity import FamiliarityStatistics
from src.services.model_file import read_model_card
from src.utils.files import sha256_of
from training.card.model_files import FAMILIARITY_LAYER, put_in_place, write_answering_card, write_card
from training.learning.network import CLASSES

STATISTICS = FamiliarityStatistics(np.zeros(6), np.ones(6), np.eye(6)[:, :2], 0.5)


SUFFIXES = (".h5", ".json", ".md", ".familiarity.npz")


def test_the_service_reads_the_card_that_was_written_last(tmp_path: Path) -> None:
    model = tmp_path / "model.h5"
    model.write_bytes(b"weights")
    for temperature in (2.5, 1.7):
        write_answering_card(model, temperature, STATISTICS)
    card = read_model_card(model, sha256_of(model))
    assert card.classes == CLASSES
    assert card.calibrated
    assert card.temperature == 1.7
    assert card.familiarity is not None
    assert card.familiarity.layer == FAMILIARITY_LAYER
    assert card.familiarity.statistics.typical == 0.5
    assert np.array_equal(card.familiarity.statistics.components, STATISTICS.components)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model.familiarity.npz", "model.h5", "model.json"]


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_card({"recall": float("nan")}, tmp_path / "card.json")
    assert not (tmp_path / "card.json").exists()


@pytest.mark.parametrize("there_before", [(), SUFFIXES], ids=["nothing", "a model"])
def test_all_files_of_a_model_take_the_place_of_what_was_there(tmp_path: Path, there_before: tuple[str, ...]) -> None:
    draft, target = tmp_path / "draft" / "a.h5", tmp_path / "models" / "b.h5"
    for folder in (draft.parent, target.parent):
        folder.mkdir()
    for suffix in SUFFIXES:
        draft.with_suffix(suffix).write_text(suffix)
    for suffix in there_before:
        target.with_suffix(suffix).write_text("old")
    put_in_place(draft, target)
    assert {file.name: file.read_text() for file in target.parent.iterdir()} == {f"b{s}": s for s in SUFFIXES}
