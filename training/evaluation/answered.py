"""What remains, and how good it is, if the service does not answer where it is not sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.evaluation.bootstrap import estimate
from training.evaluation.confusion import divide, figures_of, weighted_confusions

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_NO_DISEASE = "Healthy"
_OVERALL = ("coverage", "accuracy", "macro_f1", "macro_recall", "false_alarms_on_healthy")
_PER_CLASS = ("coverage", "sensitivity", "specificity", "precision", "f1")


class AnsweredPictures:
    """The figures on those pictures for which an answer was given."""

    def __init__(
        self, truth: Integers, said: Integers, classes: Sequence[str], inconclusive: npt.NDArray[np.bool_]
    ) -> None:
        self._truth = truth
        self._said = said
        self._classes = list(classes)
        self._answered = ~inconclusive

    def figures(self, weights: Floats) -> dict[str, Floats]:
        """One value (and for the classes a row) per row of `weights`, resamples x pictures; NaN if not defined."""
        count = len(self._classes)
        confusions = weighted_confusions(self._truth, self._said, count, weights * self._answered)
        figures = figures_of(confusions)
        of_class = weighted_confusions(self._truth, self._said, count, weights).sum(axis=2)
        figures["class_coverage"] = divide(confusions.sum(axis=2), of_class)
        figures["coverage"] = divide(confusions.sum(axis=(1, 2)), of_class.sum(axis=1))
        figures["false_alarms_on_healthy"] = (
            1 - figures["sensitivity"][:, self._classes.index(_NO_DISEASE)]
            if _NO_DISEASE in self._classes
            else np.full(len(weights), np.nan)
        )
        return figures

    def measure(self, resampled: dict[str, Floats]) -> dict[str, Any]:
        """Ready for JSON, with intervals.

        Args:
            resampled: `figures` of the resamples.
        """
        values = self.figures(np.ones((1, len(self._truth))))
        counts = np.bincount(self._truth[self._answered], minlength=len(self._classes))
        per_class: dict[str, Any] = {}
        for label, name in enumerate(self._classes):
            keys = {key: "class_coverage" if key == "coverage" else key for key in _PER_CLASS}
            per_class[name] = {
                "n": int(counts[label]),
                **{
                    key: estimate(values[source][0, label], resampled[source][:, label] if resampled else [])
                    for key, source in keys.items()
                },
            }
        return {
            "n": int(self._answered.sum()),
            **{key: estimate(values[key][0], resampled.get(key, [])) for key in _OVERALL},
            "per_class": per_class,
        }
