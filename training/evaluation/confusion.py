"""Which class was taken for which, counted with weights, and what follows from the counts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


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
