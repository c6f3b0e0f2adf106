"""Batches come by weight and seed, and may begin in the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.data.pictures import LabelledPicture
from training.learning import training_set
from training.learning.network import CLASSES, INPUT_SIDE, MAP_SIDE
from training.learning.rendering import RenderedSet
from training.learning.samples import EVIDENCE_SIDE, Sample, SampleKind
from training.learning.training_set import CLASS_SHARES, REAL_STYE_SHARE, TrainingSet, sampling_weights

COUNT = 8


@pytest.fixture(scope="module")
def samples() -> TrainingSet:
    """Each sample's picture is grey, and its evidence all over, as its own number is."""
    grey = 20 * np.arange(COUNT, dtype=np.uint8)[:, None, None]
    pictures = np.broadcast_to(grey[..., None], (COUNT, INPUT_SIDE, INPUT_SIDE, 3))
    evidence = np.broadcast_to(grey, (COUNT, EVIDENCE_SIDE, EVIDENCE_SIDE))
    made_of = [Sample(index, SampleKind.ORIGINAL, index % 4, 0) for index in range(COUNT)]
    return TrainingSet(RenderedSet(made_of, pictures, evidence, "key"), np.arange(COUNT) % 4)


@pytest.fixture(autouse=True)
def _as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn anew is drawn elsewhere."""
    monkeypatch.setattr(training_set, "augmented", lambda seen, shown, *_, **__: (to_floats(seen), to_floats(shown)))


def to_floats(picture: Any) -> Any:
    return picture.astype(np.float32) / 255


def numbers(batches: list[Any]) -> list[list[int]]:
    return [(pictures.numpy()[:, 0, 0, 0] * 255 / 20).round().astype(int).tolist() for pictures, _, _ in batches]


def draw(samples: TrainingSet, seed: int = 0, skip: int = 0) -> list[Any]:
    return list(samples.batches(np.full(COUNT, 1 / COUNT), batch=5, steps=4, seed=seed, skip=skip))


def test_pictures_targets_and_evidence_belong_together(samples: TrainingSet) -> None:
    batches = draw(samples)
    assert len(batches) == 4
    shapes = [(5, INPUT_SIDE, INPUT_SIDE, 3), (5, len(CLASSES)), (5, MAP_SIDE, MAP_SIDE)]
    for batch, (drawn,) in zip(batches, ([row] for row in numbers(batches)), strict=True):
        assert [(tensor.dtype.name, tuple(tensor.shape)) for tensor in batch] == [("float32", s) for s in shapes]
        _, targets, evidence = batch
        assert np.array_equal(targets, np.eye(4)[np.array(drawn) % 4])
        np.testing.assert_allclose(evidence.numpy()[:, 3, 3] * 255 / 20, drawn, atol=1e-3)


def test_only_a_stye_whose_place_is_not_known_never_comes_nearer(
    samples: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others show by their evidence, or by missing everywhere, what they are."""
    asked: list[tuple[int, bool]] = []

    def noted(picture: Any, evidence: Any, _: Any, *, may_come_nearer: bool) -> Any:
        asked.append((round(float(picture[0, 0, 0]) / 20), may_come_nearer))
        return picture.astype(np.float32), evidence.astype(np.float32)

    monkeypatch.setattr(training_set, "augmented", noted)
    rendered = samples.rendered
    unknown = TrainingSet(
        RenderedSet(rendered.samples, rendered.pictures, np.zeros_like(rendered.evidence), "key"), samples.labels
    )
    draw(unknown)
    stye = CLASSES.index("Stye")
    assert {number % 4 == stye for number, _ in asked} == {True, False}
    assert all(may == (number % 4 != stye) for number, may in asked)
    asked.clear()
    draw(samples)
    assert all(may for number, may in asked if number)


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
