"""What the frozen layers see is made once, in parts, of samples that are drawn by weight."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import tf
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network
from training.learning import views
from training.learning.augmentation import augmented
from training.learning.network import CLASSES, INPUT_SIDE, MAP_SIDE
from training.learning.rendering import RenderedSet
from training.learning.samples import EVIDENCE_SIDE, Sample, SampleKind
from training.learning.views import Backbone, ViewSet, make_views

COUNT = 8
VIEWS = 11
WEIGHTS = np.array([0, 1, 1, 1, 1, 1, 1, 1]) / 7


@pytest.fixture(scope="module")
def rendered() -> RenderedSet:
    """Noise; of the styes only the first has evidence."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (COUNT, INPUT_SIDE, INPUT_SIDE, 3), np.uint8)
    evidence = np.zeros((COUNT, EVIDENCE_SIDE, EVIDENCE_SIDE), np.uint8)
    evidence[:4, 8:12, 8:12] = 255
    samples = [Sample(index, SampleKind.ORIGINAL, index % len(CLASSES), 0) for index in range(COUNT)]
    return RenderedSet(samples, pictures, evidence, "key")


@pytest.fixture(scope="module")
def frozen(backbone: Any) -> Backbone:
    return Backbone(build_small_network, backbone.get_weights(), FROZEN_UP_TO)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_PART", 4)
    monkeypatch.setattr(views, "_BATCH", 3)


def all_of(made: ViewSet) -> tuple[Any, Any]:
    return made.at(np.arange(len(made.rows)))


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned ones know nothing of small parts; they are tried with whole ones."""

    class Pool:
        def __init__(self, count: int, context: Any, begin: Any, given: Any) -> None:
            del count, context
            begin(given[0], False)

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def submit(self, task: Any, *given: Any) -> Any:
            done = task(*given)
            return type("Done", (), {"result": lambda _: done})()

    monkeypatch.setattr(views, "ProcessPoolExecutor", Pool)


@pytest.mark.usefixtures("in_this_process")
def test_a_view_is_what_the_frozen_layers_make_of_its_augmented_sample(
    rendered: RenderedSet, frozen: Backbone, tmp_path: Path
) -> None:
    made = make_views(rendered, WEIGHTS, VIEWS, 5, frozen, tmp_path)
    assert len(made.rows) == VIEWS
    assert 0 not in made.rows
    features, evidence = all_of(made)
    assert features.shape == (VIEWS, 7, 7, 32)
    assert evidence.shape == (VIEWS, MAP_SIDE, MAP_SIDE)
    for place, row in enumerate(made.rows):
        may = rendered.samples[row].label != CLASSES.index("Stye") or bool(rendered.evidence[row].any())
        rng = np.random.default_rng([5, place])
        view, shown = augmented(rendered.pictures[row], rendered.evidence[row], rng, may_come_nearer=may)
        expected = frozen.frozen_part()(tf.constant(view[None])).numpy()[0]
        np.testing.assert_allclose(features[place], expected, atol=2e-3)
        assert evidence[place].mean() == pytest.approx(shown.mean(), abs=1e-4)
    seen = made.at(np.array([9, 2]))
    np.testing.assert_array_equal(seen[0], features[[9, 2]])
    np.testing.assert_array_equal(seen[1], evidence[[9, 2]])


@pytest.mark.usefixtures("in_this_process")
def test_what_was_made_is_not_made_again_and_an_interrupted_run_makes_the_rest(
    rendered: RenderedSet, frozen: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = all_of(make_views(rendered, WEIGHTS, VIEWS, 5, frozen, tmp_path))
    (folder,) = tmp_path.iterdir()
    (folder / "evidence_0000004.npy").unlink()
    made: list[int] = []
    make_part = views._make_part

    def noted(*given: Any) -> int:
        made.append(given[4])
        return make_part(*given)

    monkeypatch.setattr(views, "_make_part", noted)
    for array, again in zip(first, all_of(make_views(rendered, WEIGHTS, VIEWS, 5, frozen, tmp_path)), strict=True):
        np.testing.assert_array_equal(array, again)
    make_views(rendered, WEIGHTS, VIEWS, 5, frozen, tmp_path)
    assert made == [4]


@pytest.mark.usefixtures("in_this_process")
def test_another_seed_weight_layer_or_picture_gives_other_views(
    rendered: RenderedSet, frozen: Backbone, tmp_path: Path
) -> None:
    make_views(rendered, WEIGHTS, VIEWS, 5, frozen, tmp_path)
    make_views(rendered, WEIGHTS, VIEWS, 6, frozen, tmp_path)
    make_views(rendered, WEIGHTS[::-1], VIEWS, 5, frozen, tmp_path)
    make_views(rendered, WEIGHTS, VIEWS, 5, replace(frozen, frozen_up_to="block"), tmp_path)
    make_views(replace(rendered, key="other"), WEIGHTS, VIEWS, 5, frozen, tmp_path)
    assert len(list(tmp_path.iterdir())) == 5


def test_several_processes_make_the_same(
    rendered: RenderedSet, frozen: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    one, two = (
        all_of(make_views(rendered, WEIGHTS, 260, 5, frozen, tmp_path / str(count), processes=count))
        for count in (1, 2)
    )
    for array, other in zip(one, two, strict=True):
        np.testing.assert_allclose(array, other, atol=2e-3)
