"""How much of something is so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def share(flags: Sequence[bool] | npt.NDArray[np.bool_]) -> float | None:
    """The part (0-1, four decimals) of the flags that are True, ready for JSON; None where there are none."""
    return round(float(np.mean(flags)), 4) if len(flags) else None
