"""What the model was meant to reach, beside what it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WEBCAM_LIKE_ORIGINS = ("jaybfn",)
"""Eyes cut out of pictures of phones and webcams: the nearest to what the service sees."""


def compare_with_aims(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per aim: `aim`, `target` (a number and whether it is a least or a most), `measured`, `reached`.

    `measured` and `reached` are None where it was not measured.

    Args:
        metrics: the section of that name on the card.
    """
    validation = metrics["cross_validation"]
    pictures = validation["pictures"]
    webcam = _webcam_like_healthy(validation["by_origin"])
    return [
        _at_least("macro F1", 0.92, pictures["macro_f1"]),
        *(
            _at_least(
                f"sensitivity for {name} at specificity 0.95",
                0.90,
                pictures["per_class"][name]["sensitivity_at_specificity_95"],
            )
            for name in ("Cataract", "Conjunctivitis")
        ),
        _at_most("false alarms on answered webcam-like healthy eyes", 0.05, webcam["false_alarms"]),
        _at_least("share of webcam-like healthy eyes that are answered", 0.85, webcam["coverage"]),
        _at_least("real styes found", 0.8, pictures["per_class"]["Stye"]["sensitivity"]),
        _at_most("expected calibration error, 15 bins", 0.05, pictures["calibration"]["ece_15_bins"]),
        _at_least("AUROC of no eye against eyes", 0.95, _auroc(metrics, "not_an_eye")),
        _at_least("AUROC of other eye conditions against eyes", 0.80, _auroc(metrics, "other_eye_conditions")),
        _at_least("pointing game on painted styes", 0.8, _pointing(metrics["heatmaps"]["left_out"])),
    ]


def _webcam_like_healthy(by_origin: Mapping[str, Any]) -> dict[str, float | None]:
    counts = [by_origin["Healthy"][origin] for origin in _WEBCAM_LIKE_ORIGINS if origin in by_origin["Healthy"]]
    total, answered, right = (sum(count[key] for count in counts) for key in ("n", "answered", "right_of_answered"))
    return {
        "coverage": round(answered / total, 4) if total else None,
        "false_alarms": round(1 - right / answered, 4) if answered else None,
    }


def _auroc(metrics: Mapping[str, Any], strangers: str) -> float | None:
    measured = metrics.get("strangers", {}).get(strangers)
    return None if measured is None else measured["auroc_of_unfamiliarity"]


def _pointing(heatmaps: Mapping[str, Any] | None) -> float | None:
    return None if heatmaps is None else heatmaps["pointing"]["strict"]["heatmap"]


def _at_least(aim: str, target: float, measured: Any) -> dict[str, Any]:
    value = _value(measured)
    reached = None if value is None else value >= target
    return {"aim": aim, "target": target, "is": "least", "measured": measured, "reached": reached}


def _at_most(aim: str, target: float, measured: Any) -> dict[str, Any]:
    value = _value(measured)
    reached = None if value is None else value <= target
    return {"aim": aim, "target": target, "is": "most", "measured": measured, "reached": reached}


def _value(measured: Any) -> float | None:
    """The number itself, of a figure with an interval or without."""
    value: float | None = measured["value"] if isinstance(measured, Mapping) else measured
    return value
