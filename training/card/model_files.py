"""The files of a model: what the service needs beside the weights, and how all of them get to their place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from src.services.familiarity import FamiliarityStatistics
from src.utils.files import renamed_when_whole, sha256_of, write_then_rename
from training.learning.network import CLASSES, CUT_LAYER

FAMILIARITY_LAYER = f"densenet121/{CUT_LAYER}"
"""Its weights are ImageNet's: they know more than eyes, and stay the same from one training to the next."""


def write_statistics_and_sections(
    model_file: Path, temperature: float, familiarity: FamiliarityStatistics
) -> dict[str, Any]:
    """Writes the statistics beside the model, and returns the sections of its card that the service reads."""
    statistics = model_file.with_suffix(".familiarity.npz")
    familiarity.save(statistics)
    return {
        "sha256": sha256_of(model_file),
        "classes": list(CLASSES),
        "calibrated": True,
        "calibration": {"method": "temperature scaling", "temperature": temperature},
        "familiarity": {
            "layer": FAMILIARITY_LAYER,
            "statistics": statistics.name,
            "sha256": sha256_of(statistics),
        },
    }


def write_answering_card(model_file: Path, temperature: float, familiarity: FamiliarityStatistics) -> dict[str, Any]:
    """Writes a card of these sections only, with which the model can be tested, and returns them."""
    sections = write_statistics_and_sections(model_file, temperature, familiarity)
    write_card(sections, model_file.with_suffix(".json"))
    return sections


def write_card(card: dict[str, Any], file: Path) -> None:
    """Writes a card as JSON, UTF-8."""
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_then_rename(file, text.encode("utf-8"))


_SUFFIXES = (".familiarity.npz", ".h5", ".json", ".md")
"""Statistics of the training pictures, the model, and its card for programs and for people."""


def put_in_place(draft: Path, target: Path) -> None:
    """Copies the model `draft` (.h5) and what belongs to it beside and over `target`, each file in one piece."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for suffix in _SUFFIXES:
        with renamed_when_whole(target.with_suffix(suffix)) as unfinished:
            shutil.copyfile(draft.with_suffix(suffix), unfinished)
