"""Pictures that are none of the classes: does the service notice?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from src.config.settings import Settings
from src.core.types import Reason
from training.data.pictures import SUFFIXES, LabelledPicture
from training.evaluation.case import Case
from training.evaluation.examination import examine_with
from training.evaluation.share import share


def find_strangers(folder: Path) -> list[LabelledPicture]:
    """The pictures in a folder and its subfolders, whose labels mean nothing.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise FileNotFoundError(f"no pictures in {folder}")
    return [LabelledPicture(file, 0, "stranger", str(file), 0) for file in files]


def measure_strangers(settings: Settings, pictures: Sequence[LabelledPicture], eyes: Sequence[Case]) -> dict[str, Any]:
    """What the service says of pictures of anything but the classes, ready for JSON.

    Args:
        settings: of the service; its model must not have been trained on these pictures.
        pictures: see `find_strangers`.
        eyes: of the classes, each judged by a model that did not know it, for comparison.
    """
    examination, _ = examine_with(settings, pictures)
    strangers = examination.cases
    return {
        "n": len(strangers),
        "refused": len(examination.left_out),
        "inconclusive": share([bool(case.reasons) for case in strangers]),
        "not_an_eye": share([Reason.NOT_AN_EYE.value in case.reasons for case in strangers]),
        "unfamiliar": share([Reason.UNFAMILIAR.value in case.reasons for case in strangers]),
        "reasons": dict(Counter(reason for case in strangers for reason in case.reasons).most_common()),
        "auroc_of_unfamiliarity": _auroc(strangers, eyes),
    }


def _auroc(strangers: Sequence[Case], eyes: Sequence[Case]) -> float | None:
    """How often a stranger is less familiar than an eye of a left-out fold."""
    known = [case.unfamiliarity for case in [*strangers, *eyes]]
    values = [value for value in known if value is not None]
    if len(values) < len(known) or not strangers or not eyes:
        return None
    is_stranger = np.arange(len(known)) < len(strangers)
    return round(float(roc_auc_score(is_stranger, values)), 4)
