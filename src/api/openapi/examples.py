"""Requests and answers as one can send and get them.

The pictures are small drawings and show nobody. Sent to the service they are answered, and the tests do so; what it
says of a drawing is, rightly, that it does not know such eyes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from src import __version__
from src.config.settings import ASSETS_DIR
from src.core.wording import NOTICE
from src.utils.data_uri import encode_data_uri

_FOLDER = ASSETS_DIR / "examples"
# In the place of previews, which are long: one pixel.
_PREVIEW = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_MODEL = {"name": "EyeNet", "hash": "d78dda3d14ac", "calibrated": True, "precision": "float32"}


def predict_request() -> list[dict[str, Any]]:
    """A frame with everything that a browser knows of it, and one with nothing but the picture."""
    image = _data_uri(_FOLDER / "drawn_face.webp")
    box = {"x": 22, "y": 22, "w": 84, "h": 112}
    return [{"image": image, "score": 0.97, "blur": 0.02, "box": box}, {"image": image}]


def upload_request() -> dict[str, Any]:
    return {"image": _data_uri(_FOLDER / "drawn_eye.webp")}


def predict_answer(classes: tuple[str, ...]) -> dict[str, Any]:
    """Previews are cut to one pixel."""
    return {
        "status_code": 200,
        "body": {
            "left_eye": {
                **_eye(classes, (0.79, 1.65, 96.65, 0.9), 1.197, frames_seen=2),
                "side": "left",
                "box": {"x": 61, "y": 41, "w": 41, "h": 43},
            },
            "right_eye": {
                **_eye(classes, (0.96, 1.79, 96.15, 1.09), 1.206, frames_seen=2),
                "side": "right",
                "box": {"x": 26, "y": 41, "w": 41, "h": 42},
            },
        },
        "frame_errors": [],
        "faces_seen": 1,
        "model": _MODEL,
        "notice": NOTICE,
    }


def upload_answer(classes: tuple[str, ...]) -> dict[str, Any]:
    """Previews are cut to one pixel."""
    return {
        "left_eye": {
            **_eye(classes, (1.44, 1.6, 96.02, 0.95), 1.606, frames_seen=1),
            "found_by": "eye_finder",
            "side": "unknown",
            "side_from": None,
            "box": {"x": 0, "y": 0, "w": 96, "h": 72},
            "reasons": ["not_an_eye"],
        },
        "right_eye": {"best_prediction": "Not Detected"},
        "faces_seen": 0,
        "model": _MODEL,
        "notice": NOTICE,
    }


def health_answer(classes: tuple[str, ...], layer: str) -> dict[str, Any]:
    return {
        "status": 200,
        "message": "Healthy",
        "version": __version__,
        "requests_in_flight": 0,
        "model": {
            "name": "EyeNet",
            "sha256": "d78dda3d14ac9330071ff9c49f8913d74820802937625237122b1de475dfeb91",
            "classes": list(classes),
            "grad_cam_layer": layer,
            "device": "CPU",
            "tensorflow": "2.14.1",
            "calibrated": True,
            "precision": "float32",
        },
        "notice": NOTICE,
    }


def starting_answer() -> dict[str, Any]:
    return {
        "status": 503,
        "message": "Starting",
        "version": __version__,
        "requests_in_flight": 0,
        "model": None,
        "notice": NOTICE,
    }


def error_answer(status: int, code: str, sentence: str) -> dict[str, Any]:
    return {"status_code": status, "body": {"error": sentence, "code": code}, "message": sentence}


def in_envelope(status: int, content: Any) -> dict[str, Any]:
    return {
        "status_code": status,
        "body": orjson.dumps(content).decode(),
        "headers": {"Content-Type": "application/json"},
    }


def _eye(
    classes: tuple[str, ...], of_shipped_model: tuple[float, ...], unfamiliarity: float, *, frames_seen: int
) -> dict[str, Any]:
    # Another model has other classes, and of what it would say of the drawing nothing is known but the shape.
    scores = of_shipped_model if len(classes) == len(of_shipped_model) else (100.0, *[0.0] * (len(classes) - 1))
    return {
        "average_scores": dict(zip(classes, scores, strict=True)),
        "best_prediction": classes[scores.index(max(scores))],
        "image_preview": _PREVIEW,
        "grad_cam_preview": _PREVIEW,
        "frames_seen": frames_seen,
        "found_by": "landmarks",
        "side_from": "face",
        "confidence": max(scores),
        "expected_precision": None,
        "inconclusive": True,
        "reasons": ["unfamiliar"],
        "unfamiliarity": unfamiliarity,
    }


def _data_uri(file: Path) -> str:
    return encode_data_uri(file.read_bytes(), "image/webp")
