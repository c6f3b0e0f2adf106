"""The command that tests whether bfloat16 changes answers: `python -m training.compare_precision --data DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.config.settings import Settings, load_settings
from src.core.errors import StartupError
from src.services.model_file import card_path_of
from src.services.startup import prepare_process
from src.utils.files import sha256_of
from src.utils.progress import Progress
from training.card.model_card import write_card
from training.data.pictures import LabelledPicture, find_pictures
from training.evaluation.examination import Case, examine_with

MOST_POINTS = 0.5
"""By how many percentage points a score may differ between precisions that count as the same."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many eyes were compared, have another best class, and are `beyond` `MOST_POINTS` with a score; by how many
    percentage points scores differ, at the most and in half, 95 % and 99 % of the eyes.
    """

    eyes: int
    class_changes: int
    largest_difference: float
    beyond: int
    quantiles: tuple[float, float, float]

    @property
    def agrees(self) -> bool:
        return self.class_changes == 0 and self.beyond == 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares; returns the exit status: 0 if the answers agree, 1 if not, 2 if nothing could be compared."""
    options = _parse(arguments)
    try:
        settings = load_settings()
        prepare_process(settings)
        card = _card(settings.model_path) if options.record else None
        pictures = find_pictures(options.data, settings.classes, all_classes=False)
        float32, bfloat16 = (_cases(settings, pictures, precision) for precision in ("float32", "bfloat16"))
        agreement = compare(float32, bfloat16)
        if card is not None:
            card["bfloat16"] = {
                "agrees": agreement.agrees,
                "eyes": agreement.eyes,
                "class_changes": agreement.class_changes,
                "largest_difference_points": round(agreement.largest_difference, 2),
                f"eyes_beyond_{MOST_POINTS}_points": agreement.beyond,
            }
            write_card(card, card_path_of(settings.model_path))
    except (OSError, ValueError, StartupError) as problem:
        print(f"cannot compare: {problem}", file=sys.stderr)
        return 2
    _print(agreement)
    return 0 if agreement.agrees else 1


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.compare_precision",
        description="Sends every picture through the service in float32 and in bfloat16 and compares the answers. "
        f"They agree where no best class changes and no score differs by more than {MOST_POINTS} points.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder of pictures per class")
    record = "write the outcome to the model's card, where INFERENCE_PRECISION=auto looks"
    parser.add_argument("--record", action="store_true", help=record)
    return parser.parse_args(arguments)


def _cases(settings: Settings, pictures: Sequence[LabelledPicture], precision: str) -> list[Case]:
    chosen = settings.model_copy(update={"inference_precision": precision})
    return examine_with(chosen, pictures, Progress(f"pictures in {precision}", len(pictures)).advance)[0].cases


def compare(first: Sequence[Case], second: Sequence[Case]) -> Agreement:
    """Compares the answers to the same eyes.

    Raises:
        ValueError: there are none, or they are not of the same eyes in the same order.
    """
    if not first or [case.file for case in first] != [case.file for case in second]:
        raise ValueError("the two runs did not find the same eyes")
    differences = 100 * np.array(
        [np.abs(one.probabilities - other.probabilities).max() for one, other in zip(first, second, strict=True)]
    )
    half, most, nearly_all = np.quantile(differences, (0.5, 0.95, 0.99))
    return Agreement(
        eyes=len(first),
        class_changes=sum(one.said != other.said for one, other in zip(first, second, strict=True)),
        largest_difference=float(differences.max()),
        beyond=int((differences > MOST_POINTS).sum()),
        quantiles=(float(half), float(most), float(nearly_all)),
    )


def _card(model_path: Path) -> dict[str, Any]:
    path = card_path_of(model_path)
    card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if card.get("sha256") != sha256_of(model_path):
        raise ValueError(f"{path} is the card of another model")
    return card


def _print(agreement: Agreement) -> None:
    half, most, nearly_all = agreement.quantiles
    print(f"{agreement.eyes} eyes in float32 and in bfloat16:")
    print(f"  another best class        {agreement.class_changes}")
    print(f"  beyond {MOST_POINTS} points         {agreement.beyond}")
    print(f"  largest difference        {agreement.largest_difference:.2f} points")
    print(f"  in 50, 95, 99 % at most   {half:.2f}, {most:.2f}, {nearly_all:.2f} points")
    print("They agree." if agreement.agrees else "They do not agree.")


if __name__ == "__main__":
    sys.exit(main())
