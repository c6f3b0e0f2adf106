"""The table of limits shows what each degradation does to the measure and to the classes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.classifier import EyeClassifier
from src.utils.image_codec import encode_png
from src.utils.preprocessing import to_network_input
from src.utils.quality import brightness, sharpness
from tests.unit.training.validation.conftest import Trial
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.network import CLASSES
from training.validation import quality_limits
from training.validation.quality_limits import (
    _LEAST_SIDE,
    _large,
    blurred,
    darkened,
    measure_quality_limits,
    over_exposed,
    quality_of_pictures,
    shrunk,
)


@pytest.fixture(scope="module")
def crops(face: RgbImage) -> list[RgbImage]:
    return [
        to_network_input(np.ascontiguousarray(face[y : y + 100, x : x + 130]), 224)
        for x, y in ((230, 70), (300, 70), (260, 100))
    ]


@pytest.fixture(scope="module")
def limits(classifier: EyeClassifier, crops: list[RgbImage]) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as fewer:
        fewer.setattr(quality_limits, "BLUR_SIGMAS", (0.01, 2.0, 6.0))
        fewer.setattr(quality_limits, "DARK_GAINS", (0.5, 0.1))
        fewer.setattr(quality_limits, "BRIGHT_GAINS", (1.0, 4.0))
        fewer.setattr(quality_limits, "SHORTEST_SIDES", (224, 20))
        return measure_quality_limits(classifier, crops, seed=0)


def column(limits: dict[str, Any], table: str, name: str) -> list[float]:
    return [row[name] for row in limits[table]]


def test_it_is_ready_for_json(limits: dict[str, Any]) -> None:
    assert json.loads(json.dumps(limits)) == limits


def test_every_level_has_its_row(limits: dict[str, Any]) -> None:
    assert limits["crops"] == 3
    assert column(limits, "blur", "sigma") == [0.01, 2, 6]
    assert column(limits, "darkness", "gain") == [0.5, 0.1]
    assert column(limits, "over_exposure", "gain") == [1, 4]
    assert column(limits, "shrinking", "shortest_side") == [224, 20]


def test_measures_follow_the_levels(limits: dict[str, Any]) -> None:
    untouched = limits["untouched"]
    for table, measure, sign in (
        ("blur", "sharpness", -1),
        ("darkness", "brightness", -1),
        ("over_exposure", "brightness", 1),
        ("shrinking", "sharpness", -1),
    ):
        values = [sign * value for value in (untouched[measure], *column(limits, table, measure))]
        assert values == sorted(values)
        assert values[-1] > values[0]


def test_crops_that_were_not_changed_keep_their_class(limits: dict[str, Any]) -> None:
    for table in ("blur", "over_exposure", "shrinking"):
        assert limits[table][0]["same_class"] == 1


def test_crops_that_get_another_class_are_counted(classifier: EyeClassifier) -> None:
    """A picture that the model calls something else once it is white."""
    dice = np.random.default_rng(0)
    pictures = [to_network_input(dice.integers(0, 256, (5, 5, 3), dtype=np.uint8), 224) for _ in range(6)]
    white = np.full((224, 224, 3), 255, np.uint8)
    classes = [int(prediction.probabilities.argmax()) for prediction in classifier.classify([*pictures, white])]
    with pytest.MonkeyPatch.context() as fewer:
        fewer.setattr(quality_limits, "BRIGHT_GAINS", (10_000.0,))
        for name in ("BLUR_SIGMAS", "DARK_GAINS", "SHORTEST_SIDES"):
            fewer.setattr(quality_limits, name, ())
        (row,) = measure_quality_limits(classifier, [np.maximum(p, 1) for p in pictures], seed=0)["over_exposure"]
    assert row["same_class"] == pytest.approx(classes[:-1].count(classes[-1]) / 6, abs=0.001)


def test_without_crops_there_is_no_table(classifier: EyeClassifier) -> None:
    with pytest.raises(ValueError, match="no crops"):
        measure_quality_limits(classifier, [], seed=0)


class TestDegradations:
    def test_blur_takes_sharpness(self, crops: list[RgbImage]) -> None:
        assert sharpness(blurred(crops[0], 3)) < sharpness(blurred(crops[0], 1)) < sharpness(crops[0])

    def test_the_dark_is_dark_and_has_a_sensors_noise(self, crops: list[RgbImage]) -> None:
        first, second = (darkened(crops[0], 0.2, np.random.default_rng(seed)) for seed in (0, 1))
        assert brightness(first) == pytest.approx(0.2 * brightness(crops[0]), abs=1)
        assert (first.astype(int) - second).std() == pytest.approx(1.5 * 2**0.5, rel=0.15)

    def test_too_much_light_is_lost_in_white(self, crops: list[RgbImage]) -> None:
        assert np.array_equal(over_exposed(crops[0], 2), (crops[0].astype(int) * 2).clip(0, 255))

    def test_a_shrunk_crop_keeps_its_size_and_loses_detail(self, crops: list[RgbImage]) -> None:
        small = shrunk(crops[0], 20)
        assert small.shape == crops[0].shape
        assert sharpness(small) < sharpness(crops[0]) / 2


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


@pytest.mark.training
def test_the_table_is_of_the_chosen_pictures(pictures: list[LabelledPicture], trial: Trial, settings: Settings) -> None:
    own = settings.model_copy(update={"model_path": trial.validation.models[0].file})
    table: Any = quality_of_pictures(pictures, own, seed=0, count=4)
    assert table["crops"] == 4
    assert table["untouched"]["brightness"] == pytest.approx(np.median(greys(pictures, 4, 0)), abs=1)
    # All pictures of the trial are small.
    assert quality_of_pictures(trial.pictures, own, seed=0) is None
