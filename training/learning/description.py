"""What is compared when the service asks how familiar an eye is: see `src.services.familiarity`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def describe(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Descriptors (n, 2 x channels) of a layer's outputs (n, height, width, channels), as the service makes them."""
    values = values.astype(np.float32)
    return np.concatenate([values.mean(axis=(1, 2)), values.std(axis=(1, 2))], axis=1)
