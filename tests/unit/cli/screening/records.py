"""Records as a screening writes them."""

from __future__ import annotations

from typing import Any

from src.cli.screening.record import EyeRecord, PictureRecord
from src.services.picture_file import Refusal

CLASSES = ("Healthy", "Stye")
CONDITIONS: dict[str, Any] = {
    "version": "0.1.0",
    "model": "EyeNet",
    "model_sha256": "ab" * 32,
    "classes": list(CLASSES),
    "calibrated": True,
    "precision": "float32",
    "settings": {"MIN_CONFIDENCE": 0.6},
}


def make_eye(of_stye: float, *reasons: str, side: str = "left", **changes: Any) -> EyeRecord:
    values: dict[str, Any] = {
        "side": side,
        "side_from": None if side == "unknown" else "face",
        "box": {"x": 10, "y": 20, "w": 40, "h": 30},
        "best_prediction": "Stye" if of_stye > 50 else "Healthy",
        "confidence": max(of_stye, 100 - of_stye),
        "average_scores": {"Healthy": 100 - of_stye, "Stye": of_stye},
        "inconclusive": bool(reasons),
        "reasons": list(reasons),
        "unfamiliarity": 0.7,
        "found_by": "landmarks",
        "preview": f"0123456789abcdef-{side}_eye.jpg",
        "heatmap": f"0123456789abcdef-{side}_eye-heatmap.jpg",
        "expected_precision": None,
    }
    return EyeRecord(**(values | changes))


def make_record(file: str, *eyes: EyeRecord, refusal: Refusal | None = None, **changes: Any) -> PictureRecord:
    values: dict[str, Any] = {
        "file": file,
        "size": 10,
        "modified_ns": 20,
        "sha256": "cd" * 32,
        "screened_at": "2026-11-26T20:00:00+00:00",
        "conditions": CONDITIONS,
        "faces_seen": None if refusal else 1,
        "eyes": list(eyes),
        "refusal": refusal,
    }
    return PictureRecord(**(values | changes))
