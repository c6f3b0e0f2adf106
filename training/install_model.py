"""The command that puts a trained model in the place of the one in use: `python -m training.install_model FILE.h5`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from src.config.settings import Settings, load_settings
from src.core.errors import StartupError
from src.services.classifier import EyeClassifier
from src.services.model_file import card_path_of
from training.card.model_card import put_in_place
from training.evaluation.bootstrap import shown

PREVIOUS: Final = "previous"
"""In the place of a file: the model that was replaced last, kept in a folder of this name beside the one in use."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares the cards, and puts the model in place unless it is worse; returns the exit status: 0 if it is in place,
    1 if it is worse, 2 if one of the two cannot be used.
    """
    options = _parse(arguments)
    try:
        settings = load_settings()
        place = settings.model_path
        kept = place.parent / PREVIOUS / place.name
        new = kept if options.model == PREVIOUS else Path(options.model)
        if new.resolve() == place.resolve():
            raise StartupError(f"{new} is the model in use.")
        if new.name != place.name:
            raise StartupError(f"{new} has to be called {place.name}, as its card has to name it.")
        card, card_in_use = _card_of(new), _card_of(place)
        _start_with(settings, new)
    except (OSError, StartupError) as problem:
        print(f"cannot start: {problem}", file=sys.stderr)
        return 2
    print(_compared(card_in_use, card))
    if options.model != PREVIOUS and not options.anyway and _macro_f1(card) < _macro_f1(card_in_use):
        print("The new model is worse: nothing was changed. Say --anyway to take it all the same.", file=sys.stderr)
        return 1
    # By way of a third place, for the new one may lie where the old one is kept.
    waiting = kept.with_name(f"new-{place.name}")
    put_in_place(new, waiting)
    put_in_place(place, kept)
    put_in_place(waiting, place)
    for file in waiting.parent.glob(f"{waiting.stem}.*"):
        file.unlink()
    print(f"{place} is {card['sha256'][:12]} now; the one before is kept: make install-model MODEL={PREVIOUS}")
    return 0


def _card_of(model: Path) -> dict[str, Any]:
    """The card beside a model, with the figures by which models are compared."""
    try:
        card: dict[str, Any] = json.loads(card_path_of(model).read_text(encoding="utf-8"))
        _macro_f1(card)
    except (OSError, ValueError, KeyError, TypeError):
        raise StartupError(f"{card_path_of(model)} is no card with the figures of a cross-validation.") from None
    return card


def _start_with(settings: Settings, model: Path) -> None:
    """As the service would, so that what is in place is never one that does not start."""
    EyeClassifier.from_settings(settings.model_copy(update={"model_path": model.absolute()}))


def _macro_f1(card: Mapping[str, Any]) -> float:
    return float(card["metrics"]["cross_validation"]["pictures"]["macro_f1"]["value"])


def _compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Both models' figures, side by side; each is of the pictures that its own training had."""
    cards = (old, new)
    figures = [card["metrics"]["cross_validation"]["pictures"] for card in cards]
    rows = [
        ("", *(f"{card['sha256'][:12]} of {card['created']}" for card in cards)),
        ("pictures", *(str(card["training_data"]["pictures"]) for card in cards)),
        ("macro F1", *(shown(found["macro_f1"]) for found in figures)),
        ("accuracy", *(shown(found["accuracy"]) for found in figures)),
    ]
    for name in figures[0]["per_class"]:
        found_by = (found["per_class"].get(name, {}).get("sensitivity") for found in figures)
        rows.append((f"{name} found", *(shown(value) for value in found_by)))
    return "\n".join(f"{name:22}{before:28}{after}" for name, before, after in rows)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.install_model",
        description="Puts a trained model and its card in the place of the one in use, which is kept.",
    )
    parser.add_argument("model", help=f"the .h5, its card beside it; or {PREVIOUS}: the one that was replaced last")
    parser.add_argument("--anyway", action="store_true", help="also if its macro F1 is lower")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
