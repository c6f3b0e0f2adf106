"""The folded backbone says of a plain picture what the original says of a normalised one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras, tf
from training.learning.backbone_weights import fold_normalisation, load_imagenet_weights
from training.learning.network import build_backbone

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


@pytest.fixture(scope="module")
def original() -> Any:
    """Random weights, with statistics in the first normalisation as a trained one has them."""
    keras.utils.set_random_seed(1)
    backbone = build_backbone()
    rng = np.random.default_rng(1)
    layer = backbone.get_layer("conv1/bn")
    layer.set_weights([rng.uniform(0.5, 1.5, 64), rng.normal(0, 1, 64), rng.normal(0, 1, 64), rng.uniform(0.5, 2, 64)])
    return backbone


@pytest.fixture(scope="module")
def folded(original: Any) -> Any:
    backbone = build_backbone()
    backbone.set_weights(original.get_weights())
    fold_normalisation(backbone)
    return backbone


@pytest.fixture(scope="module")
def picture() -> Any:
    return np.random.default_rng(2).random((1, 224, 224, 3), dtype=np.float32)


def after_padding(backbone: Any) -> Any:
    """The backbone from its first convolution on: takes pictures that are padded already (230 x 230)."""
    return keras.Model(backbone.get_layer("conv1/conv").input, backbone.output)


def test_equals_normalising_first_when_the_padding_is_black(original: Any, folded: Any, picture: Any) -> None:
    black_frame = np.pad(picture, ((0, 0), (3, 3), (3, 3), (0, 0)))
    expected = after_padding(original)((black_frame - MEAN) / STD, training=False)
    np.testing.assert_allclose(folded(picture, training=False), expected, rtol=1e-3, atol=1e-4)


def test_equals_normalising_first_away_from_the_rim(original: Any, folded: Any, picture: Any) -> None:
    def first_block(backbone: Any, pixels: Any) -> Any:
        return keras.Model(backbone.input, backbone.get_layer("conv1/bn").output)(pixels, training=False)

    expected = first_block(original, (picture - MEAN) / STD)[:, 2:-2, 2:-2]
    np.testing.assert_allclose(first_block(folded, picture)[:, 2:-2, 2:-2], expected, rtol=1e-4, atol=1e-4)


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_imagenet_weights(None, tmp_path / "nowhere.h5")


def test_the_published_weights_load(shared_folder: Path, picture: Any) -> None:
    backbone = build_backbone()
    load_imagenet_weights(backbone, shared_folder / "weights" / "densenet121_imagenet_notop.h5")
    features = backbone(picture, training=False)
    assert tf.reduce_all(tf.math.is_finite(features))
    assert float(tf.math.reduce_std(features)) > 0
