"""The graph is the documented one, however often it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras, tf
from tests.unit.training.small_network import build_small_backbone
from training.learning.network import (
    CLASSES,
    CUT_SHAPE,
    FEATURE_SHAPE,
    GRAD_CAM_LAYER,
    INPUT_SIDE,
    PARAMETER_COUNT,
    build_backbone,
    build_network,
    build_trainable_part,
    fold_normalisation,
    frozen_part,
    install_trained_part,
    load_imagenet_weights,
    save_network,
)

DOCUMENTED_LAYERS = [
    "input_2",
    "densenet121",
    "global_average_pooling2d",
    "dense",
    "dense_1",
    "reshape",
    "multiply",
    "tf.math.reduce_mean",
    "tf.math.reduce_max",
    "concatenate",
    "conv2d",
    "multiply_1",
    "global_average_pooling2d_1",
    "dense_2",
    "dropout",
    "dense_3",
]


@pytest.fixture(scope="module")
def network() -> Any:
    build_trainable_part(build_small_backbone())  # whatever was built before must not change the names
    return build_network()


def test_layers_have_the_documented_names_in_the_documented_order(network: Any) -> None:
    assert [layer.name for layer in network.layers] == DOCUMENTED_LAYERS


def test_has_the_documented_size_and_shapes(network: Any) -> None:
    assert network.count_params() == PARAMETER_COUNT == 7_366_759
    assert network.input_shape == (None, INPUT_SIDE, INPUT_SIDE, 3)
    assert network.output_shape == (None, len(CLASSES))
    assert network.get_layer("densenet121").output_shape == (None, *FEATURE_SHAPE)
    assert network.get_layer(GRAD_CAM_LAYER).output_shape == (None, *FEATURE_SHAPE)


def test_layers_do_what_is_documented(network: Any) -> None:
    assert network.get_layer("dense_2").kernel_regularizer.l2 == pytest.approx(1e-4)
    assert network.get_layer("dropout").rate == pytest.approx(0.6)
    assert network.get_layer("conv2d").kernel_size == (7, 7)
    assert [network.get_layer(name).units for name in ("dense", "dense_1", "dense_2", "dense_3")] == [128, 1024, 64, 4]


def test_an_installed_part_scores_as_it_did_alone(network: Any) -> None:
    backbone = network.get_layer("densenet121")
    part = build_trainable_part(backbone)
    part.set_weights([1.01 * weight + 0.01 for weight in part.get_weights()])
    picture = np.random.default_rng(0).random((1, INPUT_SIDE, INPUT_SIDE, 3), dtype=np.float32)
    before = network(picture, training=False).numpy()
    features = frozen_part(backbone)(picture, training=False)
    assert features.shape == (1, *CUT_SHAPE)
    expected = part(features, training=False).numpy()
    assert np.abs(before - expected).max() > 1e-4
    install_trained_part(network, part)
    np.testing.assert_allclose(network(picture, training=False), expected, atol=1e-6)


def test_normalisation_is_not_trained(network: Any) -> None:
    part = build_trainable_part(network.get_layer("densenet121"))
    trainable = {weight.name.split("/")[-1] for weight in part.trainable_weights}
    assert trainable == {"kernel:0", "bias:0"}


@pytest.mark.training
def test_the_saved_file_loads_without_our_code(network: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    save_network(network, file)
    loaded = keras.models.load_model(file, compile=False)
    picture = np.random.default_rng(0).random((1, INPUT_SIDE, INPUT_SIDE, 3), dtype=np.float32)
    assert [layer.name for layer in loaded.layers] == DOCUMENTED_LAYERS
    np.testing.assert_allclose(loaded(picture, training=False), network(picture, training=False), atol=1e-6)
    assert file.stat().st_size < 31_000_000


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


@pytest.mark.training
def test_equals_normalising_first_when_the_padding_is_black(original: Any, folded: Any, picture: Any) -> None:
    black_frame = np.pad(picture, ((0, 0), (3, 3), (3, 3), (0, 0)))
    expected = after_padding(original)((black_frame - MEAN) / STD, training=False)
    np.testing.assert_allclose(folded(picture, training=False), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.training
def test_equals_normalising_first_away_from_the_rim(original: Any, folded: Any, picture: Any) -> None:
    def first_block(backbone: Any, pixels: Any) -> Any:
        return keras.Model(backbone.input, backbone.get_layer("conv1/bn").output)(pixels, training=False)

    expected = first_block(original, (picture - MEAN) / STD)[:, 2:-2, 2:-2]
    np.testing.assert_allclose(first_block(folded, picture)[:, 2:-2, 2:-2], expected, rtol=1e-4, atol=1e-4)


def test_a_missing_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_imagenet_weights(None, tmp_path / "nowhere.h5")


@pytest.mark.training
def test_the_published_weights_load(shared_folder: Path, picture: Any) -> None:
    backbone = build_backbone()
    load_imagenet_weights(backbone, shared_folder / "weights" / "densenet121_imagenet_notop.h5")
    features = backbone(picture, training=False)
    assert tf.reduce_all(tf.math.is_finite(features))
    assert float(tf.math.reduce_std(features)) > 0
