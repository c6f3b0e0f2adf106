"""Strangers are looked for everywhere in a folder, and compared with eyes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.core.types import Reason, RgbImage
from src.services.tensorflow_runtime import keras
from src.utils.image_codec import encode_png
from src.utils.preprocessing import to_network_input
from tests.unit.training.small_network import build_small_network
from training.card.answering_card import write_answering_card
from training.evaluation.case import Case
from training.learning.network import frozen_part, save_network
from training.validation.familiarity_fitting import describe, fit_familiarity
from training.validation.strangers import _auroc, find_strangers, measure_strangers


def eye(unfamiliarity: float | None) -> Case:
    return Case("x", 0, np.full(4, 0.25, np.float32), unfamiliarity=unfamiliarity)


def test_subfolders_are_searched_and_other_files_passed_over(tmp_path: Path) -> None:
    for name in ("b/c/2.PNG", "1.jpg", "b/note.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [picture.file.name for picture in find_strangers(tmp_path)] == ["1.jpg", "2.PNG"]
    assert len({picture.group for picture in find_strangers(tmp_path)}) == 2


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        find_strangers(tmp_path)


@pytest.mark.parametrize(
    ("strangers", "eyes", "expected"),
    [([3.0, 4.0], [1.0, 2.0], 1.0), ([1.0, 4.0], [2.0, 3.0], 0.5), ([1.0], [1.0], 0.5), ([0.5], [1.0, 2.0], 0.0)],
)
def test_the_area_is_how_often_a_stranger_is_stranger(
    strangers: list[float], eyes: list[float], expected: float
) -> None:
    assert _auroc([eye(value) for value in strangers], [eye(value) for value in eyes]) == expected


def test_where_nobody_compared_there_is_no_area() -> None:
    assert _auroc([eye(None)], [eye(1.0)]) is None
    assert _auroc([], [eye(1.0)]) is None


@pytest.fixture
def model(tmp_path: Path, drawn_eye: RgbImage) -> Path:
    """One that knows drawn eyes, brighter and darker ones."""
    keras.utils.set_random_seed(0)
    network = build_small_network()
    file = tmp_path / "model.h5"
    save_network(network, file)
    dice = np.random.default_rng(0)
    known = [np.clip(drawn_eye * dice.uniform(0.6, 1.2, 3), 0, 255).astype(np.uint8) for _ in range(40)]
    crops = np.stack([to_network_input(picture, 224) for picture in known]).astype(np.float32) / 255
    features = frozen_part(network.get_layer("densenet121"))(crops).numpy()
    statistics = fit_familiarity(describe(features[:30]))
    typical = float(np.median(statistics.unfamiliarity(describe(features[30:]))))
    write_answering_card(file, 1.0, fit_familiarity(describe(features[:30]), typical))
    return file


def test_the_service_is_asked(tmp_path: Path, settings: Settings, model: Path, drawn_eye: RgbImage) -> None:
    """Noise is no eye, a black picture is refused, and a drawn eye is not strange at all."""
    noise = np.random.default_rng(1).integers(0, 256, drawn_eye.shape, dtype=np.uint8)
    for name, picture in {"noise": noise, "black": drawn_eye * 0, "eye": drawn_eye}.items():
        (tmp_path / "strange").mkdir(exist_ok=True)
        (tmp_path / "strange" / f"{name}.png").write_bytes(encode_png(picture))
    own = settings.model_copy(update={"model_path": model, "not_an_eye_from": 50.0, "max_unfamiliarity": 20.0})
    found: dict[str, Any] = measure_strangers(own, find_strangers(tmp_path / "strange"), [eye(20.0), eye(30.0)])
    assert found["n"] == 2
    assert found["refused"] == 1
    assert found["not_an_eye"] == 0.5
    assert found["unfamiliar"] == 0
    assert found["auroc_of_unfamiliarity"] == 0.5
    assert found["reasons"][Reason.NOT_AN_EYE.value] == 1
    assert 0.5 <= found["inconclusive"] <= 1
    assert json.loads(json.dumps(found)) == found
