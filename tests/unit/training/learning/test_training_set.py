"""Batches come by weight and seed, and may begin in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.pictures import LabelledPicture
from training.learning.network import CLASSES, MAP_SIDE
from training.learning.samples import Sample, SampleKind
from training.learning.training_set import CLASS_SHARES, REAL_STYE_SHARE, TrainingSet, sampling_weights
from training.learning.views import ViewSet

COUNT = 8


@pytest.fixture(scope="module")
def samples() -> TrainingSet:
    """Each sample has two views but for the last, which has none; features and evidence of a view are its sample's
    number.
    """
    rows = np.repeat(np.arange(COUNT), 2)[:-2]
    numbers = rows.astype(np.float32)[:, None, None]
    features = np.broadcast_to(numbers[..., None], (len(rows), 14, 14, 3)).astype(np.float16)
    return TrainingSet(
        ViewSet(rows, [features], [np.broadcast_to(numbers, (len(rows), MAP_SIDE, MAP_SIDE))]), np.arange(COUNT) % 4
    )


def numbers(batches: list[Any]) -> list[list[int]]:
    return [features.numpy()[:, 0, 0, 0].astype(int).tolist() for features, _, _ in batches]


def draw(samples: TrainingSet, seed: int = 0, skip: int = 0) -> list[Any]:
    return list(samples.batches(np.full(COUNT, 1 / COUNT), batch=5, steps=4, seed=seed, skip=skip))


def test_features_targets_and_evidence_belong_together(samples: TrainingSet) -> None:
    batches = draw(samples)
    assert len(batches) == 4
    shapes = [(5, 14, 14, 3), (5, len(CLASSES)), (5, MAP_SIDE, MAP_SIDE)]
    for batch, (drawn,) in zip(batches, ([row] for row in numbers(batches)), strict=True):
        assert [(tensor.dtype.name, tuple(tensor.shape)) for tensor in batch] == [("float32", s) for s in shapes]
        _, targets, evidence = batch
        assert np.array_equal(targets, np.eye(4)[np.array(drawn) % 4])
        assert evidence.numpy()[:, 3, 3].tolist() == drawn


def test_the_seed_decides_the_batches_and_an_interrupted_run_gets_those_that_were_left(samples: TrainingSet) -> None:
    whole = numbers(draw(samples))
    assert numbers(draw(samples)) == whole
    assert numbers(draw(samples, seed=1)) != whole
    for skip in (1, 3, 4):
        assert numbers(draw(samples, skip=skip)) == whole[skip:]


def test_what_weighs_nothing_is_not_drawn_and_what_weighs_more_is_drawn_more(samples: TrainingSet) -> None:
    weights = np.array([0, 0.75, 0.25, 0, 0, 0, 0, 0])
    drawn = np.concatenate(numbers(list(samples.batches(weights, batch=100, steps=2, seed=0))))
    assert set(drawn) == {1, 2}
    assert (drawn == 1).mean() == pytest.approx(0.75, abs=0.1)


def test_views_of_a_sample_share_its_weight_and_a_sample_without_views_is_passed_over(samples: TrainingSet) -> None:
    rows = np.array([0, 0, 0, 1])
    uneven = TrainingSet(
        ViewSet(rows, [samples.views.features[0][[0, 0, 0, 2]]], [samples.views.evidence[0][[0, 0, 0, 2]]]),
        samples.labels,
    )
    weights = np.array([0.4, 0.4, 0, 0, 0, 0, 0, 0.2])
    drawn = np.concatenate(numbers(list(uneven.batches(weights, batch=200, steps=2, seed=0))))
    assert (drawn == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert set(np.concatenate(numbers(draw(samples)))) <= set(range(COUNT - 1))


def make(
    label: int, origin: str, groups: int, copies: int, kind: SampleKind = SampleKind.PHOTOGRAPHED, shown_as: int = -1
) -> list[tuple[LabelledPicture, SampleKind, int]]:
    pictures = [LabelledPicture(Path("x"), label, origin, f"{origin}{label}/{n}", n) for n in range(groups)]
    return [(p, kind, label if shown_as < 0 else shown_as) for p in pictures for _ in range(copies)]


def test_shares_are_by_class_and_kind_groups_of_an_origin_weigh_alike_and_origins_by_their_root() -> None:
    rows = make(0, "a", 4, 10) + make(0, "b", 1, 2) + make(1, "a", 3, 1) + make(2, "a", 50, 2) + make(3, "c", 2, 3)
    rows += make(2, "a", 50, 1, SampleKind.PAINTED_STYE, shown_as=3)
    pictures = [row[0] for row in rows]
    samples = [Sample(index, kind, label, 0) for index, (_, kind, label) in enumerate(rows)]
    weights = sampling_weights(samples, pictures, np.ones(len(samples), dtype=bool))
    labels = np.array([s.label for s in samples])
    for label, name in enumerate(CLASSES):
        assert weights[labels == label].sum() == pytest.approx(CLASS_SHARES[name])
    real = np.array([s.label == 3 and s.kind is not SampleKind.PAINTED_STYE for s in samples])
    assert weights[real].sum() == pytest.approx(CLASS_SHARES["Stye"] * REAL_STYE_SHARE)
    cataract = {p.group: 0.0 for p in pictures if p.label == 0}
    for weight, p in zip(weights, pictures, strict=True):
        if p.label == 0:
            cataract[p.group] += weight
    *large, small = cataract.values()
    assert large == pytest.approx([large[0]] * 4)
    assert sum(large) / small == pytest.approx(2)
