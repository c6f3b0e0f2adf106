"""What people read of a screening: plain words for reasons and sides, names that are safe to show."""

from __future__ import annotations

from src.cli.screening.record import EyeRecord
from src.core.types import EyeSide, EyeSource
from src.core.wording import REASONS

_SIDES = {EyeSide.LEFT: "left eye", EyeSide.RIGHT: "right eye"}


def reason_in_words(reason: str) -> str:
    """Such as `too dark`; a reason of another version stays as it is."""
    return next((words.short for known, words in REASONS.items() if known.value == reason), reason)


def side_in_words(eye: EyeRecord) -> str:
    """The person's own side, where the picture shows it."""
    if eye.found_by == EyeSource.WHOLE_PICTURE.value:
        return "one eye, side not known"
    return _SIDES[EyeSide(eye.eye)]


def shown_name(name: str) -> str:
    """A file's name as any place can show it: no line ends, no terminal codes, no bytes that are no text."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
