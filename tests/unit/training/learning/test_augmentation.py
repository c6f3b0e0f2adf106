"""What is drawn anew keeps picture and evidence together, and cuts no evidence away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from training.learning import augmentation
from training.learning.augmentation import augmented
from training.learning.network import INPUT_SIDE
from training.learning.samples import EVIDENCE_SIDE

PLACE = EVIDENCE_SIDE // 4
"""Side of the square in the middle that is evidence."""


@pytest.fixture
def square() -> tuple[Any, Any]:
    """White where the evidence is, on black."""
    evidence = np.zeros((EVIDENCE_SIDE, EVIDENCE_SIDE), np.uint8)
    low, high = (EVIDENCE_SIDE - PLACE) // 2, (EVIDENCE_SIDE + PLACE) // 2
    evidence[low:high, low - 4 : high - 4] = 255
    picture = np.kron(evidence, np.ones((INPUT_SIDE // EVIDENCE_SIDE,) * 2, np.uint8))
    return np.stack([picture] * 3, axis=2), evidence


def test_the_evidence_moves_with_the_picture(square: tuple[Any, Any]) -> None:
    for seed in range(30):
        picture, evidence = augmented(*square, np.random.default_rng(seed), may_come_nearer=True)
        assert picture.dtype == evidence.dtype == np.float32
        assert picture.shape == (INPUT_SIDE, INPUT_SIDE, 3)
        assert 0 <= picture.min() <= picture.max() <= 1
        bright = picture.mean(axis=2) > 0.5 * picture.max()
        side = INPUT_SIDE // EVIDENCE_SIDE
        share = bright.reshape(EVIDENCE_SIDE, side, EVIDENCE_SIDE, side).mean(axis=(1, 3))
        assert np.abs(share - evidence).mean() < 0.03


def test_the_same_state_gives_the_same_and_another_another(square: tuple[Any, Any]) -> None:
    first, again, other = (
        augmented(*square, np.random.default_rng(seed), may_come_nearer=True)[0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_both_ways_round_are_seen(square: tuple[Any, Any]) -> None:
    left = [
        augmented(*square, np.random.default_rng(seed), may_come_nearer=False)[1][:, : EVIDENCE_SIDE // 2].mean()
        > augmented(*square, np.random.default_rng(seed), may_come_nearer=False)[1][:, EVIDENCE_SIDE // 2 :].mean()
        for seed in range(20)
    ]
    assert 3 < sum(left) < 17


def test_some_come_nearer_where_they_may_and_their_evidence_stays(
    square: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmentation, "_NEARER_SHARE", 1.0)

    def areas(*, may: bool, evidence: Any = None) -> list[float]:
        picture, shown = square
        shown = shown if evidence is None else evidence
        return [
            float(augmented(picture, shown, np.random.default_rng(seed), may_come_nearer=may)[1].sum())
            for seed in range(20)
        ]

    usual = PLACE**2
    assert max(areas(may=False)) < 1.6 * usual
    assert max(areas(may=True)) > 2.5 * usual
    # Evidence at both ends cannot come nearer without being lost.
    ends = np.zeros_like(square[1])
    ends[:, :6] = ends[:, -6:] = 255
    assert min(areas(may=True, evidence=ends)) > 0.6 * ends.sum() / 255
