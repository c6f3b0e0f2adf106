"""How far an eye is open, from its outline."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def eye_openness(outline: npt.NDArray[np.float64]) -> float | None:
    """The eye aspect ratio: mean distance of the lids divided by that of the corners.

    Soukupova and Cech, "Real-time eye blink detection using facial landmarks", CVWW 2016: about 0.25 to 0.4 for open
    eyes, well below 0.2 for closed ones. A picture that was squeezed sideways, as browsers squeeze 4:3 to square,
    makes it a third larger.

    Args:
        outline: 6 x (x, y), as iBUG 300-W orders them: corner, two points of the upper lid, corner, two of the lower.

    Returns:
        0 or more; None where the corners are the same point.
    """
    first_corner, upper_1, upper_2, second_corner, lower_2, lower_1 = outline
    width = _distance(first_corner, second_corner)
    if width == 0:
        return None
    return (_distance(upper_1, lower_1) + _distance(upper_2, lower_2)) / (2 * width)


def _distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.hypot(*(one - other)))
