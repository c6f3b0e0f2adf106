"""The table of limits shows what each degradation does to the measure and to the classes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.classifier import EyeClassifier
from src.utils.png_writer import encode_png
from src.utils.preprocessing import resize, to_network_input
from src.utils.quality import brightness, sharpness
from tests.unit.training.validation.conftest import Trial
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.network import CLASSES
from training.validation import quality_limits
from training.validation.quality_limits import (
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


def try_only(monkeypatch: pytest.MonkeyPatch, *levels: tuple[float, ...]) -> None:
    names = ("BLUR_SIGMAS", "DARK_GAINS", "BRIGHT_GAINS", "SHORTEST_SIDES")
    for name, tried in zip(names, levels, strict=True):
        monkeypatch.setattr(quality_limits, name, tried)


def test_every_level_has_its_row_and_the_measures_follow_the_levels(
    classifier: EyeClassifier, crops: list[RgbImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    try_only(monkeypatch, (0.01, 2.0, 6.0), (0.5, 0.1), (1.0, 4.0), (224, 20))
    limits = measure_quality_limits(classifier, crops, seed=0)
    assert json.loads(json.dumps(limits)) == limits
    assert limits["crops"] == 3
    for table, level, levels, measure, sign in (
        ("blur", "sigma", [0.01, 2, 6], "sharpness", -1),
        ("darkness", "gain", [0.5, 0.1], "brightness", -1),
        ("over_exposure", "gain", [1, 4], "brightness", 1),
        ("shrinking", "shortest_side", [224, 20], "sharpness", -1),
    ):
        assert [row[level] for row in limits[table]] == levels
        values = [sign * row[measure] for row in (limits["untouched"], *limits[table])]
        assert values == sorted(values)
        assert values[-1] > values[0]
    # Crops that were not changed keep their class.
    assert [limits[table][0]["same_class"] for table in ("blur", "over_exposure", "shrinking")] == [1, 1, 1]
    with pytest.raises(ValueError, match="no crops"):
        measure_quality_limits(classifier, [], seed=0)


def test_crops_that_get_another_class_are_counted(classifier: EyeClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that the model calls something else once it is white."""
    dice = np.random.default_rng(0)
    pictures = [to_network_input(dice.integers(0, 256, (5, 5, 3), dtype=np.uint8), 224) for _ in range(6)]
    white = np.full((224, 224, 3), 255, np.uint8)
    classes = [int(prediction.probabilities.argmax()) for prediction in classifier.classify([*pictures, white])]
    try_only(monkeypatch, (), (), (10_000.0,), ())
    (row,) = measure_quality_limits(classifier, [np.maximum(p, 1) for p in pictures], seed=0)["over_exposure"]
    assert row["same_class"] == pytest.approx(classes[:-1].count(classes[-1]) / 6, abs=0.001)


def test_each_degradation_does_what_its_name_says(crops: list[RgbImage]) -> None:
    crop = crops[0]
    assert sharpness(blurred(crop, 3)) < sharpness(blurred(crop, 1)) < sharpness(crop)
    first, second = (darkened(crop, 0.2, np.random.default_rng(seed)) for seed in (0, 1))
    assert brightness(first) == pytest.approx(0.2 * brightness(crop), abs=1)
    # The dark has a sensor's noise, and too much light is lost in white.
    assert (first.astype(int) - second).std() == pytest.approx(1.5 * 2**0.5, rel=0.15)
    assert np.array_equal(over_exposed(crop, 2), (crop.astype(int) * 2).clip(0, 255))
    assert shrunk(crop, 20).shape == crop.shape
    assert sharpness(shrunk(crop, 20)) < sharpness(crop) / 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, eye_photo: RgbImage) -> list[LabelledPicture]:
    """Three large eyes and a small one per class; no two are as bright."""
    folder = tmp_path_factory.mktemp("eyes")
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir()
        for number in range(4):
            height, width = (140, 152) if number == 3 else (204, 222)
            darkened_eye = resize(eye_photo, width, height) * (1 - 0.08 * label - 0.02 * number)
            (folder / name / f"site_{number}.png").write_bytes(encode_png(darkened_eye.astype(np.uint8)))
    return find_pictures(folder, CLASSES)


def brightnesses(pictures: list[LabelledPicture], count: int, seed: int) -> list[float]:
    return [eye.quality.brightness for eye in _large(pictures, count, seed, 224)]


def test_the_seed_chooses_as_many_large_eyes_of_each_class(pictures: list[LabelledPicture]) -> None:
    every = brightnesses(pictures, 1000, 0)
    assert len(every) == 12
    of_class = [set(every[3 * label : 3 * label + 3]) for label in range(4)]
    chosen = brightnesses(pictures, 8, 0)
    assert [next(label for label in range(4) if one in of_class[label]) for one in chosen] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(set(chosen)) == 8
    assert brightnesses(pictures, 8, 0) == chosen
    assert len({tuple(brightnesses(pictures, 8, seed)) for seed in range(5)}) > 1


def test_the_table_is_of_what_the_photo_has_of_the_chosen_eyes(
    pictures: list[LabelledPicture], trial: Trial, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    try_only(monkeypatch, (0.5,), (0.5,), (1.25,), (96,))
    own = settings.model_copy(update={"model_path": trial.validation.models[0].file})
    table: Any = quality_of_pictures(pictures, own, seed=0, count=4)
    assert table["crops"] == 4
    eyes = _large(pictures, 4, 0, 224)
    assert min(eye.place.area for eye in eyes) < 0.9
    untouched = {name: np.median([getattr(eye.quality, name) for eye in eyes]) for name in ("sharpness", "brightness")}
    assert table["untouched"] == pytest.approx(untouched, abs=1e-3)
    # All pictures of the trial are small.
    assert quality_of_pictures(trial.pictures, own, seed=0) is None
