"""The graph is the documented one, however often it is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.services.tensorflow_runtime import keras, tf
from training.learning.network import (
    CLASSES,
    FEATURE_SHAPE,
    GRAD_CAM_LAYER,
    INPUT_SIDE,
    PARAMETER_COUNT,
    build_backbone,
    build_network,
    fold_normalisation,
    layers_behind,
    load_imagenet_weights,
    save_network,
)

DOCUMENTED_LAYERS = (
    "input_2 densenet121 global_average_pooling2d dense dense_1 reshape multiply tf.math.reduce_mean "
    "tf.math.reduce_max concatenate conv2d multiply_1 global_average_pooling2d_1 dense_2 dropout dense_3"
)


@pytest.fixture(scope="module")
def network() -> Any:
    build_network()  # whatever was built before must not change the names
    return build_network()


def test_the_graph_is_the_documented_one(network: Any) -> None:
    assert " ".join(layer.name for layer in network.layers) == DOCUMENTED_LAYERS
    assert network.count_params() == PARAMETER_COUNT == 7_366_759
    assert network.input_shape == (None, INPUT_SIDE, INPUT_SIDE, 3)
    assert network.output_shape == (None, len(CLASSES))
    assert network.get_layer("densenet121").output_shape == (None, *FEATURE_SHAPE)
    assert network.get_layer(GRAD_CAM_LAYER).output_shape == (None, *FEATURE_SHAPE)
    assert network.get_layer("dense_2").kernel_regularizer.l2 == pytest.approx(1e-4)
    assert network.get_layer("dropout").rate == pytest.approx(0.6)
    assert network.get_layer("conv2d").kernel_size == (7, 7)
    assert [network.get_layer(name).units for name in ("dense", "dense_1", "dense_2", "dense_3")] == [128, 1024, 64, 4]


def test_the_layers_behind_one_are_those_that_it_feeds() -> None:
    backbone = build_backbone()
    names = [layer.name for layer in layers_behind(backbone, "pool3_pool")]
    assert names[0] == "conv4_block1_0_bn"
    assert names[-1] == "relu"
    assert not any(name.startswith(("conv1", "conv2", "conv3", "pool2", "pool3")) for name in names)
    assert len(layers_behind(backbone, "input_1")) == len(backbone.layers) - 1
    with pytest.raises(ValueError, match="none"):
        layers_behind(backbone, "none")


def test_the_saved_file_loads_without_our_code(network: Any, tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    save_network(network, file)
    loaded = keras.models.load_model(file, compile=False)
    picture = np.random.default_rng(0).random((1, INPUT_SIDE, INPUT_SIDE, 3), dtype=np.float32)
    assert " ".join(layer.name for layer in loaded.layers) == DOCUMENTED_LAYERS
    np.testing.assert_allclose(loaded(picture, training=False), network(picture, training=False), atol=1e-6)
    assert file.stat().st_size < 31_000_000


MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def test_folded_weights_equal_normalising_first_when_the_padding_is_black_and_away_from_the_rim() -> None:
    keras.utils.set_random_seed(1)
    original, folded = build_backbone(), build_backbone()
    # Statistics in the first normalisation as a trained one has them.
    rng = np.random.default_rng(1)
    statistics = [rng.uniform(0.5, 1.5, 64), rng.normal(0, 1, 64), rng.normal(0, 1, 64), rng.uniform(0.5, 2, 64)]
    original.get_layer("conv1/bn").set_weights(statistics)
    folded.set_weights(original.get_weights())
    fold_normalisation(folded)
    picture = rng.random((1, 224, 224, 3), dtype=np.float32)

    # From its first convolution on it takes pictures that are padded already (230 x 230).
    after_padding = keras.Model(original.get_layer("conv1/conv").input, original.output)
    black_frame = np.pad(picture, ((0, 0), (3, 3), (3, 3), (0, 0)))
    expected = after_padding((black_frame - MEAN) / STD, training=False)
    np.testing.assert_allclose(folded(picture, training=False), expected, rtol=1e-3, atol=1e-4)

    def first_block(backbone: Any, pixels: Any) -> Any:
        return keras.Model(backbone.input, backbone.get_layer("conv1/bn").output)(pixels, training=False)[:, 2:-2, 2:-2]

    expected = first_block(original, (picture - MEAN) / STD)
    np.testing.assert_allclose(first_block(folded, picture), expected, rtol=1e-4, atol=1e-4)


def test_the_published_weights_load(shared_folder: Path) -> None:
    backbone = build_backbone()
    load_imagenet_weights(backbone, shared_folder / "weights" / "densenet121_imagenet_notop.h5")
    features = backbone(np.random.default_rng(2).random((1, 224, 224, 3), dtype=np.float32), training=False)
    assert tf.reduce_all(tf.math.is_finite(features))
    assert float(tf.math.reduce_std(features)) > 0
