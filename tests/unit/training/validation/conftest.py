"""A whole cross-validation in seconds: the small network, a few steps, pictures that are easy to tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from src.core.types import RgbImage
from src.services.tensorflow_runtime import keras
from src.utils.png_writer import encode_png
from src.utils.preprocessing import resize
from tests.unit.training.small_network import FROZEN_UP_TO, build_small_network
from training.data.pictures import LabelledPicture, find_pictures
from training.learning.fitting import FitRecipe
from training.learning.network import CLASSES, INPUT_SIDE
from training.learning.rendering import RenderedSet
from training.learning.samples import EVIDENCE_SIDE, Sample, SampleKind
from training.learning.trainer import Trainer
from training.validation.cross_validation import CrossValidation

KINDS = (
    SampleKind.ORIGINAL,
    SampleKind.PHOTOGRAPHED,
    SampleKind.PHOTOGRAPHED,
    SampleKind.HARMLESS_PAINT,
    SampleKind.PAINTED_STYE,
)

ORIGINS = ("bibekbvk", "bibekbvk", "wbmarcsu2000", "other")
"""The first two may share a patient, and count as one."""


@dataclass
class Trial:
    """All that a cross-validation consists of."""

    pictures: list[LabelledPicture]
    rendered: RenderedSet
    folds: npt.NDArray[Any]
    trainer: Trainer
    validation: CrossValidation


@pytest.fixture(scope="package")
def trial(tmp_path_factory: pytest.TempPathFactory, eye_photo: RgbImage) -> Trial:
    """Four pictures per class of two origins, in two folds; each sample's colour shows its label."""
    folder, dice = tmp_path_factory.mktemp("trial"), np.random.default_rng(0)
    for name in CLASSES:
        (folder / "eyes" / name).mkdir(parents=True)
        for number in range(4):
            picture = (resize(eye_photo, 120, 110) * dice.uniform(0.7, 1.0)).astype(np.uint8)
            file = folder / "eyes" / name / f"{ORIGINS[number]}_{number}.png"
            file.write_bytes(encode_png(picture))
    pictures = find_pictures(folder / "eyes", CLASSES)
    stye = CLASSES.index("Stye")
    samples = [
        Sample(index, kind, stye if kind is SampleKind.PAINTED_STYE else picture.label, 0)
        for index, picture in enumerate(pictures)
        for kind in KINDS
    ]
    colours = np.array([(200, 40, 40), (40, 200, 40), (40, 40, 200), (190, 190, 40)])
    labels = np.array([sample.label for sample in samples])
    shown = dice.integers(0, 56, (len(samples), INPUT_SIDE, INPUT_SIDE, 3)) + colours[labels][:, None, None]
    evidence = np.zeros((len(samples), EVIDENCE_SIDE, EVIDENCE_SIDE), np.uint8)
    rendered = RenderedSet(samples, shown.astype(np.uint8), evidence, "key")
    folds = np.arange(len(pictures)) % 2
    keras.utils.set_random_seed(3)
    recipe = FitRecipe(FROZEN_UP_TO, views=128, head_steps=8, steps=0, batch=8, learning_rate=3e-3, average_decay=0.5)
    weights = build_small_network().get_layer("densenet121").get_weights()
    trainer = Trainer(build_small_network, weights, pictures, rendered, recipe, 0, folder / "models")
    return Trial(pictures, rendered, folds, trainer, CrossValidation(trainer, pictures, rendered, folds))
