"""The figures of a reader that points right are good, those of one that does not are not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import RgbImage
from src.services.tensorflow_runtime import keras
from src.utils.png_writer import encode_png
from tests.unit.training.heatmaps.redness_reader import BlindReader, RednessReader, StubbornReader
from tests.unit.training.small_network import build_small_network
from training.data.pictures import LabelledPicture, find_pictures
from training.heatmaps.heatmap_quality import (
    _average,
    _painted,
    heatmaps_of_left_out,
    heatmaps_of_model,
    measure_heatmaps,
)
from training.heatmaps.pointing_game import PaintedCase
from training.heatmaps.sanity_checks import ShuffledPart
from training.learning.network import CLASSES, save_network
from training.learning.trainer import TrainedModel

# Covers at least one place wholly, wherever it lies.
STYE_SIDE = 64


def red_bump_on_skin(seed: int) -> PaintedCase:
    dice = np.random.default_rng(seed)
    skin: RgbImage = np.full((224, 224, 3), (150, 140, 130), np.uint8)
    skin[..., 1] -= np.kron(dice.integers(0, 10, (7, 7)), np.ones((32, 32))).astype(np.uint8)
    top, left = dice.integers(0, 224 - STYE_SIDE, 2)
    mask = np.zeros((224, 224), np.bool_)
    mask[top : top + STYE_SIDE, left : left + STYE_SIDE] = True
    crop = skin.copy()
    crop[mask] = (240, 20, 20)
    return PaintedCase(crop, skin, mask)


CASES = [red_bump_on_skin(seed) for seed in range(12)]


def measured(reader: Any, **others: Any) -> dict[str, Any]:
    return measure_heatmaps(reader, CASES, others, seed=0)


def test_a_reader_that_points_right_has_the_figures_of_one_and_they_can_be_written_on_a_card() -> None:
    right = measured(RednessReader(), same=RednessReader(), other=StubbornReader(), blind=BlindReader())
    assert json.loads(json.dumps(right, allow_nan=False)) == right
    assert right["n"] == 12
    assert right["recognised"] == 1
    for pointing in right["pointing"].values():
        assert pointing["heatmap"] >= 0.9
        assert pointing["heatmap"] > 2 * max(pointing["chance"], pointing["centre"])
    assert np.abs(right["median_offset_px"]).max() < 10
    # One case in five is deleted and inserted.
    assert right["deletion"]["n"] == right["insertion"]["n"] == 2
    assert right["deletion"]["heatmap"] < min(right["deletion"]["random"], right["deletion"]["centre"])
    assert right["insertion"]["heatmap"] > max(right["insertion"]["random"], right["insertion"]["centre"])
    # Opposite maps of two classes are seen to differ, and a map that survives shuffling is told from one that does not.
    assert right["class_difference"]["n"] == 12
    assert right["class_difference"]["rank_correlation"] == pytest.approx(-1)
    assert right["randomisation"]["same"] == {"n": 24, "rank_correlation": 1}
    assert abs(right["randomisation"]["other"]["rank_correlation"]) < 0.3
    assert right["randomisation"]["blind"] == {"n": 0, "rank_correlation": None}

    # One that always points at one corner loses the game.
    stubborn = measured(StubbornReader())
    assert right["energy_inside"] > 3 * stubborn["energy_inside"]
    assert stubborn["pointing"]["strict"]["heatmap"] <= 0.25
    assert min(stubborn["median_offset_px"]) > 50
    assert right["mirror"]["moved"] > 0.9 > right["mirror"]["unmoved"]
    assert right["shift"]["moved"] > 0.9 > right["shift"]["unmoved"]


def test_a_reader_that_shows_nothing_hits_nothing_and_still_gets_a_card() -> None:
    blind = measured(BlindReader())
    assert blind["flat"] == 12
    assert blind["pointing"]["strict"]["heatmap"] == 0
    assert blind["median_offset_px"] is blind["energy_inside"] is None
    assert blind["deletion"] == {"n": 0, "heatmap": None, "random": None, "centre": None}
    json.dumps(blind, allow_nan=False)


NOTHING = (np.zeros(0, np.int64), np.zeros((0, 4), np.float32))


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


def test_folds_with_lids_count_alike_and_those_without_do_not(
    pictures: list[LabelledPicture], model: Path, settings: Settings
) -> None:
    models = {fold: TrainedModel(model, *NOTHING) for fold in (0, 1)}

    def figures_of(folds: Any, *tested: int) -> Any:
        chosen = {fold: models[fold] for fold in tested}
        return heatmaps_of_left_out(chosen, pictures, folds, settings, seed=0, cases_per_fold=5)

    skin_apart = np.array([picture.origin == "b" for picture in pictures]).astype(np.int64)
    figures = figures_of(skin_apart, 0, 1)
    assert figures["n"] == 5
    assert figures["deletion"]["n"] <= 1
    assert figures_of(skin_apart, 1) is None
    in_turns = np.arange(len(pictures)) % 2
    both = figures_of(in_turns, 0, 1)
    assert both["n"] == 10
    chances = [figures_of(in_turns, fold)["pointing"]["strict"]["chance"] for fold in (0, 1)]
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


def test_averages_take_means_add_counts_up_and_pass_over_what_is_not_known() -> None:
    first = {"n": 2, "share": 0.5, "offset": [1.0, -1.0], "deep": {"value": 0.2}}
    second = {"n": 3, "share": 1.0, "offset": [3.0, 1.0], "deep": {"value": 0.4}}
    assert _average([first, second]) == {"n": 5, "share": 0.75, "offset": [2.0, 0.0], "deep": {"value": 0.3}}
    assert _average([{"share": None}, {"share": 0.5}]) == {"share": 0.5}
    assert _average([{"share": None}, {"share": None}]) == {"share": None}
    assert _average([]) is None
