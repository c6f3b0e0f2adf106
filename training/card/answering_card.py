"""The part of a model's card that the service answers by: classes, temperature, and the statistics of strangers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from src.services.familiarity import FamiliarityStatistics
from src.utils.files import sha256_of
from training.learning.network import CLASSES, CUT_LAYER

FAMILIARITY_LAYER = f"densenet121/{CUT_LAYER}"
"""Its weights are ImageNet's: they know more than eyes, and stay the same from one training to the next."""


def _answering_sections(model_file: Path, temperature: float, familiarity: FamiliarityStatistics) -> dict[str, Any]:
    """These sections, ready for JSON; the statistics are written beside the model."""
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
    sections = _answering_sections(model_file, temperature, familiarity)
    write_card(sections, model_file.with_suffix(".json"))
    return sections


def write_card(card: dict[str, Any], file: Path) -> None:
    """Writes a card as JSON, UTF-8."""
    file.write_text(json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
