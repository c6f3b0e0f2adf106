"""How unlike the pictures that the model learnt from a crop is.

The model's features of ordinary eyes vary along few directions. What a crop's features hold outside of these is what
the training never showed: the residual of Wang et al., "ViM: out-of-distribution with virtual-logit matching", CVPR
2022, which is the reconstruction error of a principal component analysis.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from src.core.types import Floats

_NAMES = ("mean", "scale", "components", "typical")


@dataclass(frozen=True, slots=True)
class FamiliarityStatistics:
    """What the descriptors of the training pictures look like.

    A descriptor has one value per measure: the mean over all places of each channel of a layer, then the standard
    deviation over all places of each.

    Attributes:
        mean: of the training pictures' descriptors; measures.
        scale: by which each measure is divided, above 0; measures.
        components: orthonormal columns, the directions in which scaled descriptors vary most; measures x directions.
        typical: residual that counts as 1, above 0; see `unfamiliarity`.
    """

    mean: Floats
    scale: Floats
    components: Floats
    typical: float

    @classmethod
    def load(cls, file: Path) -> FamiliarityStatistics:
        """Reads what `save` wrote.

        Raises:
            ValueError: the file cannot be read, is of another kind, or its arrays do not fit together.
        """
        try:
            # Given a path, NumPy leaves the file open where the archive is broken.
            with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                mean, scale, components, typical = (np.asarray(arrays[name], np.float32) for name in _NAMES)
        except (OSError, KeyError, TypeError, ValueError, EOFError, AttributeError, zipfile.BadZipFile):
            raise ValueError(f"it is not an .npz file with {', '.join(_NAMES)}") from None
        if mean.ndim != 1 or scale.shape != mean.shape or components.ndim != 2 or len(components) != len(mean):
            raise ValueError(
                f"the shapes {mean.shape} of mean, {scale.shape} of scale and {components.shape} of components do not "
                "fit together"
            )
        if typical.ndim != 0:
            raise ValueError(f"typical has the shape {typical.shape}; it must be one number")
        if not all(np.isfinite(array).all() for array in (mean, scale, components, typical)):
            raise ValueError("it has values that are not finite")
        if scale.min(initial=np.inf) <= 0 or typical <= 0:
            raise ValueError("scale and typical must be above 0")
        return cls(mean, scale, components, float(typical))

    def save(self, file: Path) -> None:
        """Writes an .npz file of half the size in float16, which is precise enough for `unfamiliarity`."""
        np.savez_compressed(
            file,
            mean=self.mean.astype(np.float32),
            scale=self.scale.astype(np.float32),
            components=self.components.astype(np.float16),
            typical=np.float32(self.typical),
        )

    def unfamiliarity(self, descriptors: Floats) -> npt.NDArray[np.float64]:
        """How unlike the training pictures each crop is: 0 or more, 1 where its mean squared residual is `typical`.

        `descriptors` are crops x measures.
        """
        scaled = (np.asarray(descriptors, np.float64) - self.mean) / self.scale
        explained = scaled @ self.components.astype(np.float64)
        residual = (scaled**2).sum(axis=1) - (explained**2).sum(axis=1)
        # Rounding may take the difference of two equal sums below 0.
        return np.asarray(residual.clip(min=0) / len(self.mean) / self.typical, dtype=np.float64)
