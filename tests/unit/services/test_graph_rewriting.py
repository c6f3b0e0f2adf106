"""Rewriting leaves a graph's outputs as they are, and leaves alone what it does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from src.core.types import Floats
from src.services.frozen_graph import (
    _graph_of_constants,
    fold_batch_normalisations,
    normalise_by_depthwise_convolutions,
    pool_before_pointwise_convolutions,
)
from src.services.tensorflow_runtime import keras, tf
from tests.unit.services.conftest import learn

SIDE, CHANNELS = 12, 6
TOLERANCE = 1e-5
layers = keras.layers
Layer = Callable[[Any], Any]


def dice(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random_values(*shape: int, seed: int = 0) -> Floats:
    return dice(seed).normal(0, 0.5, shape).astype(np.float32)


@dataclass
class Traced:
    """A graph of constants, and what goes in and comes out."""

    graph: Any
    picture: str
    outcomes: list[str]

    def outputs(self, batch: Floats) -> list[Floats]:
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(self.graph, name="")
            with tf.compat.v1.Session(graph=graph) as session:
                outputs: list[Floats] = session.run(self.outcomes, {self.picture: batch})
                return outputs

    def operations(self, kind: str) -> list[Any]:
        return [node for node in self.graph.node if node.op == kind]

    def places_seen_by(self, kind: str) -> int:
        """Height x width of what goes into the one operation of that kind."""
        (node,) = self.operations(kind)
        with tf.Graph().as_default() as graph:
            tf.graph_util.import_graph_def(self.graph, name="")
            _, height, width, _ = graph.get_operation_by_name(node.name).inputs[0].shape
        return int(height * width)


def trace(function: Layer, side: int = SIDE, channels: int = CHANNELS) -> Traced:
    signature = [tf.TensorSpec([None, side, side, channels], tf.float32)]
    traced = tf.function(function, input_signature=signature, autograph=False).get_concrete_function()
    return Traced(_graph_of_constants(traced), traced.inputs[0].name, [output.name for output in traced.outputs])


def trace_layers(block: list[Any], side: int = SIDE) -> Traced:
    """A Keras model of these layers, one after the other, as the service would run it."""
    model = keras.Sequential([keras.Input((side, side, CHANNELS)), *block])
    learn(block)
    return trace(lambda batch: model(batch, training=False), side)


def assert_unchanged(traced: Traced, rewrite: Callable[[Any], None]) -> None:
    """Not a node, not an attribute."""
    before = traced.graph.SerializeToString(deterministic=True)
    rewrite(traced.graph)
    assert traced.graph.SerializeToString(deterministic=True) == before


def assert_same_outputs(traced: Traced, *rewritings: Callable[[Any], None], side: int = SIDE) -> None:
    batch = random_values(3, side, side, CHANNELS, seed=9)
    before = traced.outputs(batch)
    for rewrite in rewritings:
        rewrite(traced.graph)
    for one, other in zip(before, traced.outputs(batch), strict=True):
        assert np.ptp(one) > 0.1
        np.testing.assert_allclose(other, one, atol=TOLERANCE)


def normalise(batch: Any, channels: int, data_format: str = "NHWC", *, is_training: bool = False) -> Any:
    """`tf.compat.v1.nn.fused_batch_norm` with statistics of that many channels."""
    scale, offset, mean, variance = (dice(seed).uniform(0.3, 2, channels).astype(np.float32) for seed in range(4))
    statistics = {} if is_training else {"mean": mean, "variance": variance}
    normalised, _, _ = tf.compat.v1.nn.fused_batch_norm(
        batch, scale, offset, data_format=data_format, is_training=is_training, **statistics
    )
    return normalised


VALUES = random_values(3, 3, CHANNELS, 2)


def convolved(
    use: Layer, *, size: int = 3, channels: int = CHANNELS, padding: Any = "VALID", data_format: str = "NHWC"
) -> Layer:
    """What is made of a convolution's eight channels."""
    weights = random_values(size, size, channels, 8)
    return lambda batch: use(tf.nn.conv2d(batch, weights, 1, padding, data_format=data_format))


class TestFoldingBatchNormalisations:
    @pytest.mark.parametrize(
        ("convolution", "normalisation"),
        [
            ({"use_bias": False, "strides": 2, "padding": "same"}, {}),
            ({"use_bias": False, "kernel_size": 1}, {}),
            ({"use_bias": False, "filters": 200}, {"scale": False}),
            ({"use_bias": False, "filters": 200}, {"center": False}),
            ({"use_bias": False, "filters": 200}, {"epsilon": 0.5}),
        ],
        ids=["strides", "one pixel", "no scale", "no centre", "epsilon"],
    )
    def test_outputs_stay_the_same_and_the_normalisation_is_gone(
        self, convolution: dict[str, Any], normalisation: dict[str, Any]
    ) -> None:
        convolve = layers.Conv2D(**{"filters": 8, "kernel_size": 3} | convolution)
        traced = trace_layers([convolve, layers.BatchNormalization(**normalisation)])
        assert len(traced.operations("FusedBatchNormV3")) == 1
        assert_same_outputs(traced, fold_batch_normalisations)
        assert traced.operations("FusedBatchNormV3") == []
        assert len(traced.operations("Conv2D")) == len(traced.operations("BiasAdd")) == 1

    def test_weights_that_two_convolutions_share_are_folded_for_each(self) -> None:
        convolution = layers.Conv2D(8, 3, use_bias=False)
        first, second = layers.BatchNormalization(), layers.BatchNormalization()
        for layer in (first, second):
            layer.build((None, SIDE - 2, SIDE - 2, 8))
        convolution.build((None, SIDE, SIDE, CHANNELS))
        learn([first, second])
        traced = trace(
            lambda batch: (
                first(convolution(batch), training=False),
                second(convolution(batch * 2), training=False),
            )
        )
        assert_same_outputs(traced, fold_batch_normalisations)

    @pytest.mark.parametrize(
        "function",
        [
            convolved(lambda features: normalise(features, 8) + tf.nn.relu(features)),
            convolved(lambda features: (features, normalise(features, 8))),
            convolved(lambda features: normalise(features, 8, is_training=True)),
            convolved(lambda features: normalise(features, 8, "NCHW"), channels=SIDE, data_format="NCHW"),
            convolved(lambda features: normalise(features, 4), channels=SIDE, data_format="NCHW"),
            convolved(lambda features: normalise(tf.nn.relu(features), 8)),
            lambda batch: normalise(tf.nn.depthwise_conv2d(batch, VALUES, [1] * 4, "VALID"), 2 * CHANNELS),
            lambda batch: normalise(tf.nn.conv2d(batch, VALUES * tf.reduce_mean(batch), 1, "VALID"), 2),
        ],
        ids=[
            "another layer reads it too",
            "an output",
            "normalised by the batch itself",
            "channels first",
            "channels first in the convolution only",
            "something between",
            "another convolution",
            "computed weights",
        ],
    )
    def test_what_it_does_not_know_is_left_alone(self, function: Layer) -> None:
        traced = trace(function)
        assert len(traced.operations("FusedBatchNormV3")) == 1
        assert_unchanged(traced, fold_batch_normalisations)


class TestNormalisingByDepthwiseConvolutions:
    def test_outputs_stay_the_same_and_the_normalisation_is_gone(self) -> None:
        block = [layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(), layers.BatchNormalization()]
        traced = trace_layers(block)
        assert_same_outputs(traced, normalise_by_depthwise_convolutions)
        assert traced.operations("FusedBatchNormV3") == []
        assert len(traced.operations("DepthwiseConv2dNative")) == 2

    def test_what_reads_the_channels_beside_it_does_not_matter(self) -> None:
        def two_readers(batch: Any) -> Any:
            return batch, normalise(batch, CHANNELS) + tf.nn.relu(batch)

        assert_same_outputs(trace(two_readers), normalise_by_depthwise_convolutions)

    @pytest.mark.parametrize(
        "function",
        [
            lambda batch: normalise(batch, CHANNELS, is_training=True),
            lambda batch: normalise(batch, SIDE, "NCHW"),
            lambda batch: normalise(tf.cast(batch, tf.float16), CHANNELS),
            lambda batch: normalise(tf.cast(batch, tf.bfloat16), CHANNELS),
        ],
        ids=["by the batch itself", "channels first", "float16", "bfloat16"],
    )
    def test_what_it_does_not_know_is_left_alone(self, function: Layer) -> None:
        assert_unchanged(trace(function), normalise_by_depthwise_convolutions)

    def test_a_normalisation_whose_other_outputs_are_read_stays(self) -> None:
        """As its gradient does, which heatmaps of a layer before it need."""

        def gradient(batch: Any) -> Any:
            return tf.gradients(tf.reduce_sum(normalise(batch, CHANNELS) ** 2), batch)

        traced = trace(gradient)
        assert len(traced.operations("FusedBatchNormGradV3")) == 1
        assert_same_outputs(traced, normalise_by_depthwise_convolutions)


class TestPoolingBeforePointwiseConvolutions:
    @pytest.mark.parametrize("padding", ["valid", "same"])
    @pytest.mark.parametrize("side", [12, 11])
    def test_outputs_stay_the_same_for_sizes_even_and_odd(self, side: int, padding: str) -> None:
        block = [layers.Conv2D(9, 1, use_bias=False), layers.AveragePooling2D(2, padding=padding)]
        traced = trace_layers(block, side)
        assert_same_outputs(traced, pool_before_pointwise_convolutions, side=side)
        (convolution,) = traced.operations("Conv2D")
        (pooling,) = traced.operations("AvgPool")
        assert convolution.input[0] == pooling.name

    def test_windows_that_overlap_are_averaged_just_as_well(self) -> None:
        block = [layers.Conv2D(9, 1, use_bias=False), layers.AveragePooling2D(3, 2, padding="same")]
        assert_same_outputs(trace_layers(block), pool_before_pointwise_convolutions)

    def test_two_poolings_after_one_convolution_both_go_before_it(self) -> None:
        block = [layers.Conv2D(9, 1, use_bias=False), layers.AveragePooling2D(2), layers.AveragePooling2D(2)]
        traced = trace_layers(block)
        assert traced.places_seen_by("Conv2D") == SIDE * SIDE
        assert_same_outputs(traced, pool_before_pointwise_convolutions)
        assert traced.places_seen_by("Conv2D") == SIDE * SIDE / 16

    @pytest.mark.parametrize(
        "block",
        [
            lambda: [layers.Conv2D(9, 3, use_bias=False), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, 1, 2, use_bias=False), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, (1, 2), use_bias=False), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, 1, use_bias=False), layers.ReLU(), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, 1, use_bias=False), layers.BatchNormalization(), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, 1, use_bias=False), layers.ZeroPadding2D(1), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, 1), layers.AveragePooling2D(2)],
            lambda: [layers.Conv2D(9, 1, use_bias=False), layers.MaxPooling2D(2)],
        ],
        ids=["neighbours", "strides", "a neighbour", "rectified", "normalised", "padded", "a bias", "the largest"],
    )
    def test_other_convolutions_other_poolings_and_anything_between_keep_their_order(
        self, block: Callable[[], list[Any]]
    ) -> None:
        assert_unchanged(trace_layers(block()), pool_before_pointwise_convolutions)

    @pytest.mark.parametrize(
        "function",
        [
            convolved(lambda features: (tf.nn.avg_pool2d(features, 2, 2, "VALID"), tf.nn.relu(features)), size=1),
            convolved(lambda features: (features, tf.nn.avg_pool2d(features, 2, 2, "VALID")), size=1),
            convolved(
                lambda features: tf.nn.avg_pool2d(features, 2, 2, "VALID", data_format="NCHW"),
                size=1,
                channels=SIDE,
                data_format="NCHW",
            ),
            convolved(
                lambda features: tf.nn.avg_pool2d(features, 2, 2, "VALID"),
                size=1,
                padding=[[0, 0], [1, 1], [1, 1], [0, 0]],
            ),
        ],
        ids=["another layer reads it too", "an output", "channels first", "a frame of zeros, which counts"],
    )
    def test_what_it_does_not_know_is_left_alone(self, function: Layer) -> None:
        assert_unchanged(trace(function), pool_before_pointwise_convolutions)

    def test_an_order_without_data_is_no_obstacle(self) -> None:
        def ordered(batch: Any) -> Any:
            weights = tf.constant(random_values(1, 1, CHANNELS, 9))
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(tf.math.is_finite(batch)), [batch])]):
                features = tf.nn.conv2d(batch, weights, 1, "VALID")
            return tf.nn.avg_pool2d(features, 2, 2, "VALID")

        assert_same_outputs(trace(ordered), pool_before_pointwise_convolutions)


def test_all_together_leave_a_dense_block_and_its_transition_as_they_were() -> None:
    """Huang et al., "Densely connected convolutional networks", CVPR 2017, in small."""
    batch = features = keras.Input((SIDE, SIDE, CHANNELS))
    for _ in range(2):
        inner = layers.ReLU()(layers.BatchNormalization()(features))
        inner = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(16, 1, use_bias=False)(inner)))
        features = layers.Concatenate()([features, layers.Conv2D(4, 3, padding="same", use_bias=False)(inner)])
    features = layers.ReLU()(layers.BatchNormalization()(features))
    features = layers.AveragePooling2D(2)(layers.Conv2D(7, 1, use_bias=False)(features))
    model = keras.Model(batch, features)
    learn(model.layers)
    traced = trace(lambda batch: model(batch, training=False))
    assert len(traced.operations("FusedBatchNormV3")) == 5
    assert_same_outputs(
        traced,
        fold_batch_normalisations,
        pool_before_pointwise_convolutions,
        normalise_by_depthwise_convolutions,
    )
    assert traced.operations("FusedBatchNormV3") == []
    assert len(traced.operations("Conv2D")) == 5
    # Two were folded; three have no convolution before them.
    assert len(traced.operations("DepthwiseConv2dNative")) == 3
    (pooling,) = traced.operations("AvgPool")
    assert [node.op for node in traced.graph.node if pooling.name in node.input] == ["Conv2D"]
