"""What an average over all origins hides."""

from __future__ import annotations

import json

import numpy as np

from training.evaluation.case import Case
from training.validation.by_origin import measure_by_origin

CLASSES = ["A", "B", "C"]


def case(truth: int, said: int, *reasons: str) -> Case:
    return Case("x", truth, np.eye(3, dtype=np.float32)[said], reasons=reasons)


def test_counts_are_kept_apart_by_class_and_origin() -> None:
    cases = [case(0, 0), case(0, 1), case(0, 2, "blurry"), case(0, 1), case(0, 0), case(1, 1, "blurry")]
    found = measure_by_origin(cases, ["x", "x", "x", "x", "y", "x"], CLASSES)
    assert found["A"]["x"] == {
        "n": 4,
        "right": 1,
        "answered": 3,
        "right_of_answered": 1,
        "taken_for": {"B": 2, "C": 1},
    }
    assert found["A"]["y"] == {"n": 1, "right": 1, "answered": 1, "right_of_answered": 1, "taken_for": {}}
    assert found["B"]["x"] == {"n": 1, "right": 1, "answered": 0, "right_of_answered": 0, "taken_for": {}}
    assert found["C"] == {}
    assert json.loads(json.dumps(found)) == found


def test_origins_come_in_their_order() -> None:
    assert list(measure_by_origin([case(0, 0)] * 3, ["c", "a", "b"], CLASSES)["A"]) == ["a", "b", "c"]
