"""What is kept of one picture, its line in the results file, and under which conditions it holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from src import __version__
from src.cli.screening.picture_search import FoundPicture
from src.config.settings import Settings
from src.core.errors import EyeNetError
from src.core.types import EyeReport, ModelInfo
from src.core.wording import percentage, percentages
from src.services.model_file import card_path_of
from src.services.picture_file import UNREADABLE_FILE, Refusal
from src.utils.files import sha256_of

Conditions: TypeAlias = dict[str, Any]
"""Values as JSON has them, so that they compare equal with those read back from a line."""

_SETTINGS_THAT_MATTER = (
    "grad_cam_layer",
    "max_body_mb",
    "max_image_pixels",
    "crop_padding_x",
    "crop_padding_y",
    "mirrored_input",
    "min_confidence",
    "max_other_condition",
    "prevalence",
    "max_unfamiliarity",
    "not_an_eye_from",
    "min_sharpness",
    "min_brightness",
    "max_brightness",
    "min_crop_pixels",
    "min_eye_openness",
    "min_frame_agreement",
)
_MAY_PASS = (UNREADABLE_FILE, EyeNetError.code)


def conditions_of(settings: Settings, model: ModelInfo) -> Conditions:
    """The program, the model, its card, and the settings that can change an answer."""
    card = card_path_of(settings.model_path)
    return {
        "version": __version__,
        "model": model.name,
        "model_sha256": model.sha256,
        "card_sha256": sha256_of(card) if card.is_file() else None,
        "classes": list(model.classes),
        "calibrated": model.calibrated,
        "precision": model.precision,
        "settings": {name.upper(): _as_json(getattr(settings, name)) for name in _SETTINGS_THAT_MATTER},
    }


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True, slots=True)
class EyeRecord:
    """One eye, in the words and units of the API: scores and confidence are percentages.

    Attributes:
        side: `left` or `right`, the person's own, or `unknown`.
        side_from: `face`, `inner_corner`, or `caller`: the name of the file or its folder; None where it is unknown.
        box: `x`, `y`, `w`, `h`, where the eye is in the upright picture, in its pixels.
        preview: file name of the small picture of the eye.
        heatmap: file name of the same with the heatmap over it; None where the map is flat.
        expected_precision: how often (0-1) such an answer is right; None where nobody knows.
    """

    side: str
    side_from: str | None
    box: dict[str, int]
    best_prediction: str
    confidence: float
    average_scores: dict[str, float]
    inconclusive: bool
    reasons: list[str]
    unfamiliarity: float | None
    found_by: str
    preview: str
    heatmap: str | None
    expected_precision: float | None


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """One picture and its eyes, or why there are none.

    Attributes:
        file, size, modified_ns: see `FoundPicture`.
        sha256: of the file; None where it could not be read.
        screened_at: ISO 8601, UTC.
        faces_seen: how many whole faces at least; 0 where eyes were found without one, None without an answer.
        refusal: why it has no answer; None where it has one.
    """

    file: str
    size: int
    modified_ns: int
    sha256: str | None
    screened_at: str
    conditions: Conditions
    faces_seen: int | None
    eyes: Sequence[EyeRecord]
    refusal: Refusal | None

    def is_about(self, picture: FoundPicture, conditions: Conditions) -> bool:
        """Whether this is the picture, unchanged, and was answered under the same conditions."""
        same_file = (self.file, self.size, self.modified_ns) == (picture.name, picture.size, picture.modified_ns)
        return same_file and self.conditions == conditions

    @property
    def preview_names(self) -> set[str]:
        """The files of its eyes' pictures."""
        return {name for eye in self.eyes for name in (eye.preview, eye.heatmap) if name is not None}

    @property
    def may_pass(self) -> bool:
        """Whether it might have an answer now: a file that could not be read, not one whose content is wrong."""
        return self.refusal is not None and self.refusal.code in _MAY_PASS

    def to_line(self) -> bytes:
        """JSON in ASCII and its line's end; file names that are no UTF-8 survive as escaped surrogates."""
        return (json.dumps(asdict(self), ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")

    @classmethod
    def from_line(cls, line: bytes) -> PictureRecord | None:
        """None for anything but what `to_line` writes."""
        try:
            values: dict[str, Any] = json.loads(line)
            values["eyes"] = [EyeRecord(**eye) for eye in values["eyes"]]
            values["refusal"] = None if values["refusal"] is None else Refusal(**values["refusal"])
            return cls(**values)
        except (ValueError, TypeError, LookupError, RecursionError):
            return None


def record_of_eye(eye: EyeReport, classes: Sequence[str], preview: str, heatmap: str | None) -> EyeRecord:
    """What is kept of a report; its pixels are in the two files."""
    return EyeRecord(
        side=eye.side.value,
        side_from=None if eye.side_from is None else eye.side_from.value,
        box={"x": int(eye.box.x), "y": int(eye.box.y), "w": int(eye.box.width), "h": int(eye.box.height)},
        best_prediction=classes[eye.best_class],
        confidence=percentage(eye.confidence),
        average_scores=percentages(eye.probabilities, classes),
        inconclusive=eye.inconclusive,
        reasons=[reason.value for reason in eye.reasons],
        unfamiliarity=None if eye.unfamiliarity is None else round(eye.unfamiliarity, 3),
        found_by=eye.source.value,
        preview=preview,
        heatmap=heatmap,
        expected_precision=None if eye.expected_precision is None else round(eye.expected_precision, 3),
    )
