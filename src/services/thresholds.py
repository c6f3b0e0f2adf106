"""Where the service stops being sure."""

from __future__ import annotations

from dataclasses import dataclass

from src.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Thresholds:
    """One per check, each named after its setting; a value on the threshold passes.

    Attributes:
        min_confidence: mean probability of the best class, 0-1.
        max_unfamiliarity: see `EyePrediction.unfamiliarity`.
        not_an_eye_from: the same measure; above it, the crop is not taken for an eye at all.
        min_sharpness: see `quality.sharpness`, 0-1.
        min_brightness: mean grey level, 0-255.
        max_brightness: mean grey level, 0-255.
        min_crop_pixels: shortest side of the crop as it was in the picture, in pixels.
        min_eye_openness: see `eye_openness`.
        min_frame_agreement: share of frames, 0-1, whose best class is that of all frames together.
    """

    min_confidence: float
    max_unfamiliarity: float
    not_an_eye_from: float
    min_sharpness: float
    min_brightness: float
    max_brightness: float
    min_crop_pixels: int
    min_eye_openness: float
    min_frame_agreement: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Thresholds:
        return cls(
            min_confidence=settings.min_confidence,
            max_unfamiliarity=settings.max_unfamiliarity,
            not_an_eye_from=settings.not_an_eye_from,
            min_sharpness=settings.min_sharpness,
            min_brightness=settings.min_brightness,
            max_brightness=settings.max_brightness,
            min_crop_pixels=settings.min_crop_pixels,
            min_eye_openness=settings.min_eye_openness,
            min_frame_agreement=settings.min_frame_agreement,
        )
