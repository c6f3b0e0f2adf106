"""What an answer depends on beside its picture: while it stays the same, nothing is screened twice."""

from __future__ import annotations

from typing import Any, TypeAlias

from src import __version__
from src.config.settings import Settings
from src.core.types import ModelInfo
from src.services.model_card import card_path_of
from src.utils.file_hash import sha256_of

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
    "max_unfamiliarity",
    "not_an_eye_from",
    "min_sharpness",
    "min_brightness",
    "max_brightness",
    "min_crop_pixels",
    "min_eye_openness",
    "min_frame_agreement",
)


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
        "settings": {name.upper(): getattr(settings, name) for name in _SETTINGS_THAT_MATTER},
    }
