"""What came out of a folder, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from src.cli.screening.record import EyeRecord, PictureRecord


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the pictures' eyes.

    Attributes:
        pictures: all of them, answered or not.
        unanswered: those without an answer.
        eyes: of those with one.
        inconclusive: eyes that have a reason for doubt.
        verdicts: class -> (eyes with that answer, eyes of which it is the likeliest but inconclusive).
        reasons: reason -> inconclusive eyes that have it, the most frequent first; an eye may have several.
    """

    pictures: int
    unanswered: int
    eyes: int
    inconclusive: int
    verdicts: dict[str, tuple[int, int]]
    reasons: dict[str, int]


def count(records: Sequence[PictureRecord], classes: Iterable[str]) -> Tally:
    """The tally of these pictures."""
    eyes = [eye for record in records for eye in record.eyes]
    sure = Counter(eye.best_prediction for eye in eyes if not eye.inconclusive)
    unsure = Counter(eye.best_prediction for eye in eyes if eye.inconclusive)
    return Tally(
        pictures=len(records),
        unanswered=sum(record.refusal is not None for record in records),
        eyes=len(eyes),
        inconclusive=sum(unsure.values()),
        verdicts={name: (sure[name], unsure[name]) for name in classes},
        reasons=dict(Counter(reason for eye in eyes for reason in eye.reasons).most_common()),
    )


def in_reading_order(records: Iterable[PictureRecord]) -> list[tuple[PictureRecord, EyeRecord]]:
    """Every eye with its picture: inconclusive ones first, then the least confident."""
    eyes = [(record, eye) for record in records for eye in record.eyes]
    return sorted(eyes, key=lambda pair: (not pair[1].inconclusive, pair[1].confidence, pair[0].file, pair[1].eye))
