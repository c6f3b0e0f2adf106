"""A frozen pass answers as the one that it was made of, and one that cannot be frozen still answers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from src.config.settings import Settings
from src.services import frozen_graph
from src.services.forward_pass import compile_forward_pass
from src.services.frozen_graph import freeze
from src.services.tensorflow_runtime import has_gpu, keras, tf
from tests.unit.services.conftest import learn, random_pictures

layers = keras.layers
SIDE = 16


def floats(count: int = 3) -> Any:
    return tf.constant(np.random.default_rng(count).normal(size=(count, SIDE, SIDE, 3)).astype(np.float32))


def compiled(function: Callable[[Any], Any]) -> Any:
    signature = [tf.TensorSpec([None, SIDE, SIDE, 3], tf.float32)]
    return tf.function(function, input_signature=signature, autograph=False).get_concrete_function()


def operations(function: Any) -> Counter[str]:
    return Counter(operation.type for operation in function.graph.get_operations())


def trained(model: Any) -> Any:
    learn(model.layers)
    return model


def assert_answers_alike(forward: Any, frozen: Any, batch: Any, tolerance: float = 1e-5) -> None:
    expected, got = forward(batch), frozen(batch)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    got = got if isinstance(got, (list, tuple)) else [got]
    assert len(got) == len(expected)
    for one, other in zip(expected, got, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other.numpy(), one.numpy(), atol=tolerance)


def assert_frozen(frozen: Any) -> None:
    assert frozen.variables == ()
    assert frozen.captured_inputs == []
    assert operations(frozen)["ReadVariableOp"] == 0


class TestTheWholePass:
    @pytest.mark.parametrize("count", [1, 5])
    @pytest.mark.parametrize("grad_cam_layer", ["pictures", "backbone", "coarse", "gated"])
    def test_a_small_model_answers_alike(self, small_model: Any, grad_cam_layer: str, count: int) -> None:
        forward = compile_forward_pass(small_model, grad_cam_layer, 64, 1.5, described_layer="coarse")
        frozen = freeze(forward)
        assert_frozen(frozen)
        assert_answers_alike(forward, frozen, random_pictures(count, 64))

    def test_the_shipped_model_answers_alike_in_batches_of_one_and_five(
        self, settings: Settings, keras_model: Any, temperature: float
    ) -> None:
        card = json.loads(settings.model_path.with_suffix(".json").read_text(encoding="utf-8"))
        layer = card["familiarity"]["layer"]
        forward = compile_forward_pass(keras_model, settings.grad_cam_layer, 224, temperature, layer)
        frozen = freeze(forward)
        assert_frozen(frozen)
        for count in (1, 5):
            batch = random_pictures(count, 224)
            assert len(frozen(batch)) == 3
            assert_answers_alike(forward, frozen, batch, 1e-4)
        assert operations(forward)["FusedBatchNormV3"] == 121
        assert operations(frozen)["FusedBatchNormV3"] == 0 or has_gpu()
        assert operations(frozen)["Conv2D"] == operations(forward)["Conv2D"]

    def test_heatmaps_of_a_layer_before_a_normalisation_stay(self) -> None:
        """Their gradient goes back through the normalisation and reads more of it than its values."""
        batch = keras.Input((SIDE, SIDE, 3))
        features = layers.Conv2D(8, 3, activation="relu", name="early")(batch)
        features = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3)(features)))
        features = layers.BatchNormalization()(layers.MaxPooling2D()(features))
        scores = layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(features))
        forward = compile_forward_pass(trained(keras.Model(batch, scores)), "early", SIDE)
        assert_answers_alike(forward, freeze(forward), random_pictures(3, SIDE))

    def test_on_a_gpu_normalisations_without_a_convolution_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        model = trained(keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.BatchNormalization(), layers.ReLU()]))
        forward = compiled(lambda batch: model(batch, training=False))
        kept = {}
        for gpu in (True, False):
            monkeypatch.setattr(frozen_graph, "has_gpu", lambda gpu=gpu: gpu)
            frozen = freeze(forward)
            assert_answers_alike(forward, frozen, floats())
            kept[gpu] = operations(frozen)["FusedBatchNormV3"]
        assert kept == {True: 1, False: 0}


BLOCKS: dict[str, Callable[[], list[Any]]] = {
    "convolution with a bias": lambda: [layers.Conv2D(8, 3), layers.BatchNormalization(), layers.ReLU()],
    "many channels without a scale": lambda: [
        layers.Conv2D(300, 3, use_bias=False),
        layers.BatchNormalization(scale=False),
    ],
    "dilated": lambda: [layers.Conv2D(8, 3, use_bias=False, dilation_rate=2), layers.BatchNormalization()],
    "separable": lambda: [layers.SeparableConv2D(8, 3), layers.BatchNormalization()],
    "depthwise": lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2), layers.BatchNormalization()],
    "transposed": lambda: [layers.Conv2DTranspose(8, 3), layers.BatchNormalization()],
    "groups": lambda: [layers.Conv2D(9, 3, groups=3), layers.BatchNormalization(), layers.ReLU()],
    "normalised over channels": lambda: [layers.LayerNormalization(), layers.Conv2D(8, 1), layers.AveragePooling2D()],
    "lambda": lambda: [layers.Lambda(lambda batch: tf.nn.relu(batch * 2 - 1)), layers.Conv2D(8, 3)],
    "swish": lambda: [layers.Conv2D(8, 3, activation="swish"), layers.Dropout(0.5), layers.Flatten()],
    "dense": lambda: [layers.Dense(7, activation="gelu"), layers.GlobalMaxPooling2D()],
    "learnt rectifier": lambda: [layers.Conv2D(8, 3), layers.PReLU(), layers.SpatialDropout2D(0.3)],
}


class TestLayers:
    @pytest.mark.parametrize("kind", BLOCKS)
    def test_a_model_of_them_is_frozen_and_answers_alike(self, kind: str) -> None:
        model = trained(keras.Sequential([keras.Input((SIDE, SIDE, 3)), *BLOCKS[kind]()]))
        forward = compiled(lambda batch: model(batch, training=False))
        frozen = freeze(forward)
        assert_frozen(frozen)
        assert_answers_alike(forward, frozen, floats())

    def test_a_model_of_half_precision_answers_alike(self) -> None:
        half = {"dtype": "mixed_bfloat16"}
        block = [layers.Conv2D(8, 3, **half), layers.BatchNormalization(**half), layers.ReLU(**half)]
        block += [layers.BatchNormalization(**half), layers.ReLU(dtype="float32")]
        model = trained(keras.Sequential([keras.Input((SIDE, SIDE, 3)), *block]))
        forward = compiled(lambda batch: model(batch, training=False))
        assert_answers_alike(forward, freeze(forward), floats(), 0.05)

    def test_later_learning_does_not_reach_a_frozen_pass(self) -> None:
        weight = tf.Variable(2.0)
        frozen = freeze(compiled(lambda batch: batch * weight))
        weight.assign(3.0)
        (doubled,) = frozen(floats())
        np.testing.assert_allclose(doubled.numpy(), 2 * floats().numpy())

    def test_a_pass_without_variables_is_left_as_it_computes(self) -> None:
        forward = compiled(lambda batch: (batch * 2, tf.reduce_mean(batch)))
        assert_answers_alike(forward, freeze(forward), floats())


class TestWhatIsNotFrozen:
    def test_a_pass_that_writes_a_variable_is_returned_as_it_is_and_still_writes(self) -> None:
        count = tf.Variable(0.0)

        def counting(batch: Any) -> Any:
            count.assign_add(1.0)
            return batch * count

        forward = compiled(counting)
        frozen = freeze(forward)
        assert frozen is forward
        for times in (1, 2):
            np.testing.assert_allclose(frozen(floats()).numpy(), times * floats().numpy(), rtol=1e-6)

    def test_a_pass_that_hands_a_variable_to_a_function_of_its_own_or_looks_rows_up_in_it_is_returned_as_it_is(
        self,
    ) -> None:
        weight, table = tf.Variable(2.0), tf.Variable(np.arange(12, dtype=np.float32).reshape(4, 3))
        inner = tf.function(lambda batch: batch * weight, autograph=False)
        for forward, expected in [
            (compiled(lambda batch: inner(batch) + weight), 2 * floats().numpy() + 2),
            (compiled(lambda batch: batch + tf.nn.embedding_lookup(table, [2])), np.add(floats().numpy(), [6, 7, 8])),
        ]:
            frozen = freeze(forward)
            assert frozen is forward
            np.testing.assert_allclose(frozen(floats()).numpy(), expected, rtol=1e-6)

    def test_a_function_of_its_own_without_variables_is_no_obstacle(self) -> None:
        weight = tf.Variable(2.0)
        inner = tf.function(lambda batch: tf.nn.relu(batch), autograph=False)
        forward = compiled(lambda batch: inner(batch * weight))
        frozen = freeze(forward)
        assert_frozen(frozen)
        assert_answers_alike(forward, frozen, floats())
