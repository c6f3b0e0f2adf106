"""Which pictures a model was trained on, as far as its card says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from src.utils.files import sha256_of
from training.data.pictures import LabelledPicture

HASH_DIGITS = 12
"""Of each training picture's SHA-256, as the card lists them."""


def count_trained_on(pictures: Sequence[LabelledPicture], model_file: Path) -> dict[str, int] | None:
    """`{"pictures": trained on, "of": all}`; None if the card beside the model does not list its pictures.

    Only the same file is recognised: a copy of another size or compression is not.
    """
    hashes = _hashes_on_card(model_file)
    if hashes is None:
        return None
    trained_on = sum(sha256_of(picture.file)[:HASH_DIGITS] in hashes for picture in pictures)
    return {"pictures": trained_on, "of": len(pictures)}


def _hashes_on_card(model_file: Path) -> set[str] | None:
    try:
        card = json.loads(model_file.with_suffix(".json").read_text(encoding="utf-8"))
        if card["sha256"] != sha256_of(model_file):
            return None
        return set(card["training_data"]["picture_hashes"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
