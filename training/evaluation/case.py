"""One eye whose class is known, and what the service said of it."""

from __future__ import annotations

from dataclasses import dataclass

from src.core.types import Probabilities, RgbImage


@dataclass(frozen=True, slots=True)
class Case:
    """One eye of one picture.

    Attributes:
        file: the picture's name, for people.
        truth: index of its class.
        preview: what the service looked at; None once nobody will look at it any more.
        overlay: `preview` with the heatmap of the class that was said; None where the map is flat.
        unfamiliarity: how unlike the training pictures it is, see `EyePrediction`; None where nobody compared.
        reasons: why the service is not sure, by their values in answers; empty if it is.
    """

    file: str
    truth: int
    probabilities: Probabilities
    preview: RgbImage | None = None
    overlay: RgbImage | None = None
    reasons: tuple[str, ...] = ()
    unfamiliarity: float | None = None

    @property
    def said(self) -> int:
        return int(self.probabilities.argmax())

    @property
    def wrongness(self) -> float:
        """The probability of the wrong class that was said; 0 if it was the right one."""
        return 0.0 if self.said == self.truth else float(self.probabilities[self.said])
