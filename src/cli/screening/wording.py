"""What people read of a screening: plain words for reasons and sides, names that are safe to show."""

from __future__ import annotations

from src.cli.screening.record import EyeRecord
from src.core.types import EyeSide, EyeSource, Reason

_REASONS = {
    Reason.LOW_CONFIDENCE: "no class is likely enough",
    Reason.NOT_AN_EYE: "probably not an eye",
    Reason.UNFAMILIAR: "unlike the pictures that the model learnt from",
    Reason.BLURRY: "out of focus or moved",
    Reason.TOO_DARK: "too dark",
    Reason.TOO_BRIGHT: "too bright",
    Reason.TOO_SMALL: "too few pixels",
    Reason.EYE_CLOSED: "the eye is nearly closed",
    Reason.FRAMES_DISAGREE: "the frames disagree",
}
_SIDES = {EyeSide.LEFT: "left eye", EyeSide.RIGHT: "right eye"}


def reason_in_words(reason: str) -> str:
    """Such as `too dark`; a reason of another version stays as it is."""
    return next((words for known, words in _REASONS.items() if known.value == reason), reason)


def side_in_words(eye: EyeRecord) -> str:
    """The person's own side, where the picture shows it."""
    if eye.found_by == EyeSource.WHOLE_PICTURE.value:
        return "one eye, side not known"
    return _SIDES[EyeSide(eye.eye)]


def shown_name(name: str) -> str:
    """A file's name as any place can show it: no line ends, no terminal codes, no bytes that are no text."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
