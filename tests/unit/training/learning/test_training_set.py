"""Batches come by weight and seed, and may begin in the middle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.learning.network import CLASSES, CUT_SHAPE
from training.learning.training_set import TrainingSet

COUNT = 8


@pytest.fixture(scope="module")
def samples() -> TrainingSet:
    """Each sample's values and evidence are its own number."""
    numbers = np.arange(COUNT, dtype=np.float16)[:, None, None]
    values = np.broadcast_to(numbers[..., None], (COUNT, *CUT_SHAPE))
    return TrainingSet(values, np.arange(COUNT) % 4, np.broadcast_to(numbers / COUNT, (COUNT, *CUT_SHAPE[:2])))


def numbers(batches: list[Any]) -> list[list[int]]:
    return [values.numpy()[:, 0, 0, 0].astype(int).tolist() for values, _, _ in batches]


def draw(samples: TrainingSet, seed: int = 0, skip: int = 0) -> list[Any]:
    return list(samples.batches(np.full(COUNT, 1 / COUNT), batch=5, steps=4, seed=seed, skip=skip))


def test_values_targets_and_evidence_belong_together(samples: TrainingSet) -> None:
    batches = draw(samples)
    assert len(batches) == 4
    for values, targets, evidence in batches:
        assert [tensor.dtype.name for tensor in (values, targets, evidence)] == ["float32"] * 3
        assert [tuple(tensor.shape) for tensor in (values, targets, evidence)] == [
            (5, *CUT_SHAPE),
            (5, len(CLASSES)),
            (5, *CUT_SHAPE[:2]),
        ]
        drawn = values.numpy()[:, 0, 0, 0].astype(int)
        assert np.array_equal(targets, np.eye(4)[drawn % 4])
        assert np.array_equal(evidence.numpy()[:, 3, 3] * COUNT, drawn)


def test_the_seed_decides_the_batches(samples: TrainingSet) -> None:
    assert numbers(draw(samples)) == numbers(draw(samples))
    assert numbers(draw(samples)) != numbers(draw(samples, seed=1))


@pytest.mark.parametrize("skip", [1, 3, 4])
def test_an_interrupted_run_gets_the_batches_that_were_left(samples: TrainingSet, skip: int) -> None:
    assert numbers(draw(samples, skip=skip)) == numbers(draw(samples))[skip:]


def test_what_weighs_nothing_is_not_drawn_and_what_weighs_more_is_drawn_more(samples: TrainingSet) -> None:
    weights = np.array([0, 0.75, 0.25, 0, 0, 0, 0, 0])
    drawn = np.concatenate(numbers(list(samples.batches(weights, batch=100, steps=2, seed=0))))
    assert set(drawn) == {1, 2}
    assert (drawn == 1).mean() == pytest.approx(0.75, abs=0.1)
