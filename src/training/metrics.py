"""How well predicted classes fit the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def confusion_matrix(
    truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], class_count: int
) -> npt.NDArray[np.int64]:
    """Counts; rows are true classes, columns predicted ones."""
    matrix = np.zeros((class_count, class_count), dtype=np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def summarise(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """Recall and precision per class with counts, macro recall, accuracy and the confusion matrix, ready for JSON.

    Classes without a picture have a recall of None and do not count for the macro recall.

    Raises:
        ValueError: there is nothing to summarise.
    """
    if len(truth) == 0:
        raise ValueError("no predictions to summarise")
    matrix = confusion_matrix(truth, predicted, len(classes))
    per_class: dict[str, dict[str, Any]] = {}
    recalls: list[float] = []
    for index, name in enumerate(classes):
        right, of_class, called = int(matrix[index, index]), int(matrix[index].sum()), int(matrix[:, index].sum())
        per_class[name] = {
            "n": of_class,
            "recall": round(right / of_class, 4) if of_class else None,
            "precision": round(right / called, 4) if called else None,
        }
        if of_class:
            recalls.append(right / of_class)
    return {
        "n": len(truth),
        "accuracy": round(float(np.trace(matrix)) / len(truth), 4),
        "macro_recall": round(float(np.mean(recalls)), 4),
        "per_class": per_class,
        "confusion_matrix": {"rows_true_columns_predicted": list(classes), "counts": matrix.tolist()},
    }
