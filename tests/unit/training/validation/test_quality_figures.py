"""Large pictures of each class are chosen by the seed, and made worse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.utils.image_codec import encode_png
from tests.unit.training.validation.conftest import Trial
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.network import CLASSES
from training.validation import quality_limits
from training.validation.quality_figures import _LEAST_SIDE, _large, quality_of_pictures


@pytest.fixture(scope="module", autouse=True)
def _one_level_of_each() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as fewer:
        for name in ("BLUR_SIGMAS", "DARK_GAINS", "BRIGHT_GAINS", "SHORTEST_SIDES"):
            fewer.setattr(quality_limits, name, getattr(quality_limits, name)[:1])
        yield


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledPicture]:
    """Three large pictures and a small one per class; no two are alike."""
    folder = tmp_path_factory.mktemp("eyes")
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir()
        for number in range(4):
            side = _LEAST_SIDE - 1 if number == 3 else _LEAST_SIDE
            grey = np.full((side, side + 20, 3), 50 + 10 * label + number, np.uint8)
            (folder / name / f"site_{number}.png").write_bytes(encode_png(grey))
    return find_pictures(folder, CLASSES)


def greys(pictures: list[LabelledPicture], count: int, seed: int) -> list[int]:
    return [int(rgb[0, 0, 0]) for rgb in _large(pictures, count, seed)]


def test_each_class_gives_as_many(pictures: list[LabelledPicture]) -> None:
    chosen = greys(pictures, 8, 0)
    assert [(grey - 50) // 10 for grey in chosen] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(set(chosen)) == 8


def test_small_pictures_are_passed_over(pictures: list[LabelledPicture]) -> None:
    assert sorted(greys(pictures, 1000, 0)) == [50 + 10 * label + number for label in range(4) for number in range(3)]


def test_the_seed_chooses_them(pictures: list[LabelledPicture]) -> None:
    assert greys(pictures, 8, 0) == greys(pictures, 8, 0)
    assert len({tuple(greys(pictures, 8, seed)) for seed in range(5)}) > 1


def test_the_table_is_of_the_chosen_pictures(pictures: list[LabelledPicture], trial: Trial, settings: Settings) -> None:
    own = settings.model_copy(update={"model_path": trial.validation.models[0].file})
    table: Any = quality_of_pictures(pictures, own, seed=0, count=4)
    assert table["crops"] == 4
    assert table["untouched"]["brightness"] == pytest.approx(np.median(greys(pictures, 4, 0)), abs=1)
    # All pictures of the trial are small.
    assert quality_of_pictures(trial.pictures, own, seed=0) is None
