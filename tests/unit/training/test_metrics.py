"""The figures of a small, hand-counted example."""

from __future__ import annotations

import numpy as np
import pytest

from src.training.metrics import summarise


def test_counts() -> None:
    truth, said = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1, 0])
    summary = summarise(truth, said, ["a", "b", "c"])
    assert summary["confusion_matrix"]["counts"] == [[3, 1, 0], [1, 1, 0], [0, 0, 0]]
    assert summary["accuracy"] == pytest.approx(4 / 6, abs=1e-4)
    assert summary["per_class"]["a"] == {"n": 4, "recall": 0.75, "precision": 0.75}
    assert summary["per_class"]["b"] == {"n": 2, "recall": 0.5, "precision": 0.5}
    assert summary["per_class"]["c"] == {"n": 0, "recall": None, "precision": None}
    assert summary["macro_recall"] == pytest.approx(0.625)


def test_nothing_to_count_is_an_error() -> None:
    with pytest.raises(ValueError, match="no predictions"):
        summarise(np.array([], dtype=np.int64), np.array([], dtype=np.int64), ["a"])
