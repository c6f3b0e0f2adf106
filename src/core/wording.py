"""What every surface of the service says in the same words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from src.core.types import Probabilities, Reason

NOTICE: Final = "Screening aid for research, not a medical device. It does not replace an examination."


@dataclass(frozen=True, slots=True)
class ReasonWords:
    """A reason as people read it.

    Attributes:
        short: beside a picture or in a table.
        meaning: in a reference, with the setting that draws the line, where there is one.
    """

    short: str
    meaning: str


REASONS: Final = {
    Reason.LOW_CONFIDENCE: ReasonWords(
        "no class is likely enough",
        "no class is likely enough (MIN_CONFIDENCE)",
    ),
    Reason.NOT_AN_EYE: ReasonWords(
        "probably not an eye",
        "the search is not sure that it is an eye, or it is so unlike the training pictures that it is probably none "
        "(NOT_AN_EYE_FROM)",
    ),
    Reason.UNFAMILIAR: ReasonWords(
        "unlike the pictures that the model learnt from",
        "unlike the training pictures: perhaps another disease, another camera, something in the way "
        "(MAX_UNFAMILIARITY)",
    ),
    Reason.OTHER_CONDITION: ReasonWords(
        "perhaps something that the model does not know",
        "the eye seems to have something that is none of the classes; never said by a model whose card does not know "
        "such eyes (MAX_OTHER_CONDITION)",
    ),
    Reason.BLURRY: ReasonWords(
        "out of focus or moved",
        "the previewed crop is out of focus or was moved (MIN_SHARPNESS)",
    ),
    Reason.TOO_DARK: ReasonWords(
        "too dark",
        "the previewed crop is nearly black (MIN_BRIGHTNESS)",
    ),
    Reason.TOO_BRIGHT: ReasonWords(
        "too bright",
        "the previewed crop is nearly white (MAX_BRIGHTNESS)",
    ),
    Reason.TOO_SMALL: ReasonWords(
        "too few pixels",
        "the previewed crop has too few pixels; come nearer (MIN_CROP_PIXELS)",
    ),
    Reason.TOO_CLOSE: ReasonWords(
        "the lids are not in the picture",
        "the lids are not in the picture in most of the frames; step back",
    ),
    Reason.EYE_CLOSED: ReasonWords(
        "the eye is nearly closed",
        "the lids are nearly closed in most of the frames in which the outline of the eye was found (MIN_EYE_OPENNESS)",
    ),
    Reason.FRAMES_DISAGREE: ReasonWords(
        "the frames disagree",
        "too few of the frames have `best_prediction` as their own best class (MIN_FRAME_AGREEMENT)",
    ),
}
"""Every reason's words."""


def percentage(share: float) -> float:
    """0-1 as 0-100, with two decimals."""
    return round(share * 100, 2)


def percentages(probabilities: Probabilities, classes: Sequence[str]) -> dict[str, float]:
    """Class -> its probability in percent, in the order of the classes."""
    return {name: percentage(float(value)) for name, value in zip(classes, probabilities, strict=True)}
