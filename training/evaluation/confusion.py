"""Which class was taken for which, counted with weights, and what follows from the counts: for all pictures, and for
those that remain if the service does not answer where it is not sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from training.evaluation.bootstrap import Floats, Integers, estimate

_NO_DISEASE = "Healthy"
_OVERALL = ("coverage", "accuracy", "macro_f1", "macro_recall", "false_alarms_on_healthy")
_PER_CLASS = ("coverage", "sensitivity", "specificity", "precision", "f1")


def weighted_confusions(
    truth: npt.NDArray[np.int64], said: npt.NDArray[np.int64], class_count: int, weights: Floats
) -> Floats:
    """One matrix per row of `weights` (resamples x pictures); rows are true classes, columns predicted ones."""
    cell_of = np.zeros((len(truth), class_count * class_count))
    cell_of[np.arange(len(truth)), truth * class_count + said] = 1
    return np.reshape(weights @ cell_of, (-1, class_count, class_count))


def figures_of(confusions: Floats) -> dict[str, Floats]:
    """Per matrix: accuracy, macro_f1, macro_recall. Per matrix and class: sensitivity, specificity, precision, f1.

    What is not defined is NaN: all of a class without pictures, except its specificity, which is about the pictures of
    the other classes; the precision of a class that was never said. Macros are means over the classes with pictures.
    """
    right = np.diagonal(confusions, axis1=1, axis2=2)
    of_class, called = confusions.sum(axis=2), confusions.sum(axis=1)
    everything = of_class.sum(axis=1, keepdims=True)
    present = of_class > 0
    sensitivity = divide(right, of_class)
    f1 = np.where(present, divide(2 * right, of_class + called), np.nan)
    return {
        "accuracy": divide(right.sum(axis=1), everything[:, 0]),
        "macro_f1": _mean_where(present, f1),
        "macro_recall": _mean_where(present, sensitivity),
        "sensitivity": sensitivity,
        "specificity": divide(everything - of_class - called + right, everything - of_class),
        "precision": np.where(present, divide(right, called), np.nan),
        "f1": f1,
    }


def divide(part: Floats, whole: Floats) -> Floats:
    """The quotient, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def _mean_where(chosen: npt.NDArray[np.bool_], values: Floats) -> Floats:
    return divide(np.where(chosen, values, 0).sum(axis=1), chosen.sum(axis=1).astype(np.float64))


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
        """A value, or one per class, for each row of `weights` (resamples x pictures); NaN if not defined."""
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
