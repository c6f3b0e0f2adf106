"""No class, origin or much copied picture outweighs the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.data.pictures import LabelledPicture
from training.learning.balance import CLASS_SHARES, REAL_STYE_SHARE, sampling_weights
from training.learning.network import CLASSES
from training.learning.samples import Sample, SampleKind

Row = tuple[LabelledPicture, SampleKind, int]
Drawn = tuple[list[LabelledPicture], list[Sample]]


def make(
    label: int, origin: str, groups: int, copies: int, kind: SampleKind = SampleKind.PHOTOGRAPHED, shown_as: int = -1
) -> list[Row]:
    pictures = [LabelledPicture(Path("x"), label, origin, f"{origin}{label}/{n}", n) for n in range(groups)]
    return [(p, kind, label if shown_as < 0 else shown_as) for p in pictures for _ in range(copies)]


@pytest.fixture
def drawn() -> Drawn:
    rows = make(0, "a", 4, 10) + make(0, "b", 1, 2) + make(1, "a", 3, 1) + make(2, "a", 50, 2) + make(3, "c", 2, 3)
    rows += make(2, "a", 50, 1, SampleKind.PAINTED_STYE, shown_as=3)
    pictures = [row[0] for row in rows]
    samples = [Sample(index, kind, label, 0) for index, (_, kind, label) in enumerate(rows)]
    return pictures, samples


def test_shares_of_classes_and_real_styes(drawn: Drawn) -> None:
    pictures, samples = drawn
    weights = sampling_weights(samples, pictures, np.ones(len(samples), dtype=bool))
    labels = np.array([s.label for s in samples])
    for label, name in enumerate(CLASSES):
        assert weights[labels == label].sum() == pytest.approx(CLASS_SHARES[name])
    real = np.array([s.label == 3 and s.kind is not SampleKind.PAINTED_STYE for s in samples])
    assert weights[real].sum() == pytest.approx(CLASS_SHARES["Stye"] * REAL_STYE_SHARE)


def test_groups_of_an_origin_weigh_alike_and_origins_by_their_root(drawn: Drawn) -> None:
    pictures, samples = drawn
    weights = sampling_weights(samples, pictures, np.ones(len(samples), dtype=bool))
    cataract = {p.group: 0.0 for p in pictures if p.label == 0}
    for weight, p in zip(weights, pictures, strict=True):
        if p.label == 0:
            cataract[p.group] += weight
    *large, small = cataract.values()
    assert large == pytest.approx([large[0]] * 4)
    assert sum(large) / small == pytest.approx(2)


def test_what_is_left_out_is_never_drawn(drawn: Drawn) -> None:
    pictures, samples = drawn
    chosen = np.arange(len(samples)) % 2 == 0
    weights = sampling_weights(samples, pictures, chosen)
    assert weights[~chosen].sum() == 0
    assert weights.sum() == pytest.approx(1)
