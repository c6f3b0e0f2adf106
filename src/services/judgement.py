"""Whether an answer is sure enough to be called one, and if not, why; and how often one like it was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median

from src.config.settings import Settings
from src.core.types import CropQuality, EyePrediction, Probabilities, Reason

_USUAL_MIN_CONFIDENCE = 0.6


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One per check, each named after its setting; a value on the threshold passes.

    Attributes:
        min_confidence: mean probability of the best class, 0-1; one for each class.
        max_unfamiliarity: see `EyePrediction.unfamiliarity`.
        not_an_eye_from: the same measure; above it, the crop is not taken for an eye at all.
        min_sharpness: see `quality.sharpness`, 0-1.
        min_brightness: mean grey level, 0-255.
        max_brightness: mean grey level, 0-255.
        min_crop_pixels: shortest side of the crop as it was in the picture, in pixels.
        min_eye_openness: see `eye_openness`.
        min_frame_agreement: share of frames, 0-1, whose best class is that of all frames together.
        max_other_condition: see `EyePrediction.other_condition`; None where the model's card has none.
    """

    min_confidence: tuple[float, ...]
    max_unfamiliarity: float
    not_an_eye_from: float
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    min_crop_pixels: int
    min_eye_openness: float
    min_frame_agreement: float
    max_other_condition: float | None = None

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        least_confidence: Sequence[float] | None = None,
        max_other_condition: float | None = None,
    ) -> Thresholds:
        """Each from the setting of its name. Where MIN_CONFIDENCE or MAX_OTHER_CONDITION is not set, the model's card
        says it: the first in `least_confidence`, for each class.
        """
        values = {threshold.name: getattr(settings, threshold.name) for threshold in fields(cls)}
        if settings.max_other_condition is None:
            values["max_other_condition"] = max_other_condition
        if settings.min_confidence is not None or least_confidence is None:
            of_all = _USUAL_MIN_CONFIDENCE if settings.min_confidence is None else settings.min_confidence
            least_confidence = [of_all] * len(settings.classes)
        return cls(**values | {"min_confidence": tuple(least_confidence)})


@dataclass(frozen=True, slots=True)
class ScoreRange:
    """What was said of pictures held back in training where one class had the highest score, and that was at least
    `least` (0-1).

    Attributes:
        rates: for each true class, of all of its eyes, the share of which this was said at such a score, 0-1.
    """

    least: float
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far an answer can be relied on, class by class and score by score.

    Attributes:
        ranges: for each class that may be said, by rising score, each up to the next; none where the pictures were too
            few to tell.
        prevalence: the share of each class among those who are examined, summing to 1.
    """

    ranges: tuple[tuple[ScoreRange, ...], ...]
    prevalence: tuple[float, ...]

    def expected_precision(self, said: int, score: float) -> float | None:
        """How often (0-1) this class is the true one where it is said at this score, by Bayes' rule; None where nobody
        knows.
        """
        own = [found for found in self.ranges[said] if found.least <= score]
        if not own:
            return None
        shares = [share * rate for share, rate in zip(self.prevalence, own[-1].rates, strict=True)]
        return shares[said] / sum(shares) if sum(shares) > 0 else None


def reasons_to_doubt(
    probabilities: Probabilities,
    predictions: Sequence[EyePrediction],
    qualities: Sequence[CropQuality],
    shown: CropQuality,
    thresholds: Thresholds,
) -> tuple[Reason, ...]:
    """What speaks against the answer on one eye, in the order of `Reason`; empty where nothing does.

    Probabilities are the mean over the frames, of which there is a prediction and a quality each. A client sends
    several so that one is good: blur, light and size are judged on that which is shown.
    """
    best_class = int(probabilities.argmax())
    found = {
        Reason.LOW_CONFIDENCE: bool(probabilities[best_class] < thresholds.min_confidence[best_class]),
        Reason.OTHER_CONDITION: _has_other_condition(predictions, thresholds.max_other_condition),
        Reason.BLURRY: shown.sharpness < thresholds.min_sharpness,
        Reason.TOO_DARK: shown.brightness < thresholds.min_brightness,
        Reason.TOO_BRIGHT: shown.brightness > thresholds.max_brightness,
        Reason.TOO_SMALL: shown.shortest_side < thresholds.min_crop_pixels,
        Reason.TOO_CLOSE: _in_most([not quality.lids_visible for quality in qualities]),
        Reason.EYE_CLOSED: _is_closed(qualities, thresholds.min_eye_openness),
        Reason.FRAMES_DISAGREE: _agreement(predictions, best_class) < thresholds.min_frame_agreement,
        **_strangeness(predictions, qualities, thresholds),
    }
    return tuple(reason for reason in Reason if found[reason])


def typical_unfamiliarity(predictions: Sequence[EyePrediction]) -> float | None:
    """The median over the frames, so that one odd frame decides nothing; None where the model's card has no check."""
    return _median([prediction.unfamiliarity for prediction in predictions])


def _median(of_frames: Sequence[float | None]) -> float | None:
    known = [value for value in of_frames if value is not None]
    return float(median(known)) if known else None


def _strangeness(
    predictions: Sequence[EyePrediction], qualities: Sequence[CropQuality], thresholds: Thresholds
) -> dict[Reason, bool]:
    """What is not an eye is not also unfamiliar."""
    typical = typical_unfamiliarity(predictions) or 0.0
    no_eye = typical > thresholds.not_an_eye_from or _in_most([not quality.sure for quality in qualities])
    return {Reason.NOT_AN_EYE: no_eye, Reason.UNFAMILIAR: not no_eye and typical > thresholds.max_unfamiliarity}


def _has_other_condition(predictions: Sequence[EyePrediction], most: float | None) -> bool:
    """In the median frame, as for unfamiliarity."""
    typical = _median([prediction.other_condition for prediction in predictions])
    return most is not None and typical is not None and typical > most


def _is_closed(qualities: Sequence[CropQuality], min_openness: float) -> bool:
    """In most of the frames in which that can be seen: everybody blinks."""
    return _in_most([quality.openness < min_openness for quality in qualities if quality.openness is not None])


def _in_most(frames: Sequence[bool]) -> bool:
    return sum(frames) > len(frames) / 2


def _agreement(predictions: Sequence[EyePrediction], best_class: int) -> float:
    """Share of frames whose own best class is the given one; 1 for a single frame, which has no other to agree with."""
    if len(predictions) < 2:
        return 1.0
    agreeing = [prediction for prediction in predictions if int(prediction.probabilities.argmax()) == best_class]
    return len(agreeing) / len(predictions)
