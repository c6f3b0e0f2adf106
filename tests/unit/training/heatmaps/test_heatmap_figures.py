"""Each fold's model is measured on styes painted on that fold's eyes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.tensorflow_runtime import keras
from src.utils.image_codec import encode_png
from tests.unit.training.small_network import build_small_network
from training.data.pictures import LabelledPicture, find_pictures
from training.heatmaps.heatmap_figures import _painted, heatmaps_of_left_out, heatmaps_of_model
from training.heatmaps.weight_shuffling import ShuffledPart
from training.learning.network import CLASSES, save_network
from training.learning.trainer import TrainedModel

NOTHING = np.zeros(0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.h5"
    keras.utils.set_random_seed(0)
    save_network(build_small_network(), file)
    return file


@pytest.fixture
def pictures(tmp_path: Path, drawn_eye: RgbImage) -> list[LabelledPicture]:
    """Eyes of each class; skin without lids as another healthy one."""
    skin = np.full((120, 160, 3), (200, 150, 130), np.uint8)
    for name in CLASSES:
        (tmp_path / "eyes" / name).mkdir(parents=True)
        (tmp_path / "eyes" / name / "a_1.png").write_bytes(encode_png(drawn_eye))
    (tmp_path / "eyes" / "Healthy" / "b_2.png").write_bytes(encode_png(skin))
    return find_pictures(tmp_path / "eyes", CLASSES)


def folds_of(pictures: list[LabelledPicture]) -> np.ndarray:
    return np.array([picture.origin == "b" for picture in pictures]).astype(np.int64)


def test_folds_without_lids_do_not_count(pictures: list[LabelledPicture], model: Path, settings: Settings) -> None:
    models = {fold: TrainedModel(model, NOTHING, NOTHING) for fold in (0, 1)}
    figures = heatmaps_of_left_out(models, pictures, folds_of(pictures), settings, seed=0, cases_per_fold=5)
    assert figures is not None
    assert figures["n"] == 5
    assert figures["deletion"]["n"] <= 1
    alone = heatmaps_of_left_out({1: models[1]}, pictures, folds_of(pictures), settings, seed=0, cases_per_fold=5)
    assert alone is None


def test_two_folds_count_twice(pictures: list[LabelledPicture], model: Path, settings: Settings) -> None:
    folds = np.arange(len(pictures)) % 2
    models = {fold: TrainedModel(model, NOTHING, NOTHING) for fold in (0, 1)}
    both = heatmaps_of_left_out(models, pictures, folds, settings, seed=0, cases_per_fold=3)
    first, second = (
        heatmaps_of_left_out({fold: models[fold]}, pictures, folds, settings, seed=0, cases_per_fold=3)
        for fold in (0, 1)
    )
    assert both is not None
    assert first is not None
    assert second is not None
    assert both["n"] == 6
    chances = [figures["pointing"]["strict"]["chance"] for figures in (first, second)]
    assert both["pointing"]["strict"]["chance"] == pytest.approx(np.mean(chances), abs=1e-3)


def test_the_final_model_is_compared_with_itself_shuffled(
    pictures: list[LabelledPicture], model: Path, settings: Settings
) -> None:
    before = model.read_bytes()
    figures = heatmaps_of_model(model, pictures, settings, seed=0, case_count=2)
    assert figures is not None
    assert figures["n"] == 2
    assert set(figures["randomisation"]) == {part.value for part in ShuffledPart}
    assert model.read_bytes() == before
    assert heatmaps_of_model(model, pictures[-2:-1], settings, seed=0, case_count=2) is None


def test_no_second_stye_is_painted_on_a_real_one(pictures: list[LabelledPicture]) -> None:
    with_stye = [picture for picture in pictures if CLASSES[picture.label] == "Stye"]
    assert len(with_stye) == 1
    assert _painted(with_stye, 2, seed=0) == []
    assert len(_painted(pictures, 2, seed=0)) == 2
