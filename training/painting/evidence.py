"""Where in a close-up the signs of a disease are to be seen: what a heatmap of it should show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.painting.eye_opening import TRUSTED_CONTRAST, EyeOpening

_LENS_SHARE = 0.6
"""Of the width of the opening: the cornea, and the lens behind it, are a little less than half of it."""


def evidence_of_disease(class_name: str, opening: EyeOpening, height: int, width: int) -> npt.NDArray[np.bool_]:
    """True where a disease shows, as a mask of a picture of that size.

    A cataract is told by the pupil, conjunctivitis by the white of the eye. Nothing is True where the lids were not
    found, for healthy eyes (told by what is missing), and for styes (each lies somewhere else; painted ones come with
    a mask of their own).
    """
    if opening.contrast < TRUSTED_CONTRAST or class_name not in {"Cataract", "Conjunctivitis"}:
        return np.zeros((height, width), dtype=np.bool_)
    inside = opening.outside(height, width, softness=1.0) < 0.5
    if class_name == "Cataract":
        ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
        along = np.cos(opening.tilt) * (xs - opening.x) + np.sin(opening.tilt) * (ys - opening.y)
        inside &= np.abs(along) < _LENS_SHARE * opening.width / 2
    return np.asarray(inside, dtype=np.bool_)
