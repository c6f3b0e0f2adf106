"""How often each sample is shown, so that no class, origin or much copied picture outweighs the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.data.pictures import LabelledPicture
from training.learning.network import CLASSES
from training.learning.samples import Sample, SampleKind

CLASS_SHARES = {"Cataract": 0.23, "Conjunctivitis": 0.25, "Healthy": 0.3, "Stye": 0.22}
"""Of the samples shown. With more styes the network sees them everywhere; with fewer it misses the real ones."""

REAL_STYE_SHARE = 0.15
"""Of the styes shown; the rest is painted. The real ones are so few that they are soon known by heart."""


def sampling_weights(
    samples: Sequence[Sample], pictures: Sequence[LabelledPicture], chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The probability with which each sample is drawn; 0 for those not chosen.

    Within a class (and kind of stye) each origin counts with the square root of its number of groups, each group of an
    origin alike, each sample of a group alike.
    """
    keys = [
        (sample.label, sample.kind is SampleKind.PAINTED_STYE, pictures[sample.picture].origin) for sample in samples
    ]
    groups = [(key, pictures[sample.picture].group) for key, sample in zip(keys, samples, strict=True)]
    indices = np.flatnonzero(chosen)
    samples_per_group = Counter(groups[index] for index in indices)
    groups_per_key = Counter(key for key, _ in samples_per_group)

    weights = np.zeros(len(samples))
    for index in indices:
        weights[index] = 1 / (np.sqrt(groups_per_key[keys[index]]) * samples_per_group[groups[index]])

    painted = np.array([key[1] for key in keys])
    labels = np.array([sample.label for sample in samples])
    for label, name in enumerate(CLASSES):
        members = labels == label
        if name == "Stye":
            _scale_to(weights, members & painted, 1 - REAL_STYE_SHARE)
            _scale_to(weights, members & ~painted, REAL_STYE_SHARE)
        _scale_to(weights, members, CLASS_SHARES[name])
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _scale_to(weights: npt.NDArray[np.float64], members: npt.NDArray[np.bool_], share: float) -> None:
    total = weights[members].sum()
    if total > 0:
        weights[members] *= share / total
