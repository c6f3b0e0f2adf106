"""One pass gives scores, maps and descriptors, and runs no layer twice for them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from src.core.types import Floats
from src.services.forward_pass import DescribedLayerError, HeadError, compile_forward_pass
from src.services.model_file import OtherConditionHead
from src.services.tensorflow_runtime import keras
from tests.unit.services.conftest import random_pictures

LAYERS_OF_WORK = ("Conv2D", "MatMul", "MaxPool", "AvgPool", "Relu", "FusedBatchNormV3")


def work(function: Any) -> dict[str, int]:
    counted = Counter(operation.type for operation in function.graph.get_operations())
    return {kind: counted[kind] for kind in LAYERS_OF_WORK}


def described(output: Floats) -> Floats:
    return np.concatenate([output.mean(axis=(1, 2)), output.std(axis=(1, 2))], axis=1)


class TestOtherConditions:
    def test_their_probability_is_that_of_the_head_on_the_means_of_the_grad_cam_layer(self, small_model: Any) -> None:
        batch = random_pictures(3, 64)
        output = keras.Model(small_model.inputs, small_model.get_layer("coarse").get_output_at(-1))
        means = output(batch.numpy().astype(np.float32) / 255).numpy().mean(axis=(1, 2))
        weights = np.random.default_rng(0).normal(0, 3, means.shape[1]).astype(np.float32)
        head = OtherConditionHead(weights, -0.5)
        for layer in (None, "backbone"):
            *_, found = compile_forward_pass(small_model, "coarse", 64, 1.0, layer, head)(batch)
            np.testing.assert_allclose(found.numpy(), 1 / (1 + np.exp(0.5 - means @ weights)), rtol=1e-4)

    def test_they_cost_no_second_pass(self, keras_model: Any) -> None:
        head = OtherConditionHead(np.ones(1024, np.float32), 0.0)
        without, with_it = (
            compile_forward_pass(keras_model, "multiply_1", 224, 1.0, None, one) for one in (None, head)
        )
        assert {**work(with_it), "MatMul": 0} == {**work(without), "MatMul": 0}

    def test_a_head_of_another_size_is_refused(self, small_model: Any) -> None:
        with pytest.raises(HeadError, match=r"it has 3 weights, the layer [0-9]+ channels"):
            compile_forward_pass(small_model, "coarse", 64, 1.0, None, OtherConditionHead(np.ones(3), 0.0))


class TestDescriptors:
    @pytest.mark.parametrize("layer", ["backbone", "coarse", "gated"])
    def test_they_are_means_and_deviations_of_a_layers_output_and_leave_the_model_as_it_was(
        self, small_model: Any, layer: str
    ) -> None:
        batch = random_pictures(3, 64)
        before = small_model.get_layer(layer).call
        *_, descriptors = compile_forward_pass(small_model, "coarse", 64, described_layer=layer)(batch)
        assert small_model.get_layer(layer).call == before
        output = keras.Model(small_model.inputs, small_model.get_layer(layer).get_output_at(-1))
        expected = described(output(batch.numpy().astype(np.float32) / 255).numpy())
        np.testing.assert_allclose(descriptors.numpy(), expected, atol=1e-6)

    def test_the_layer_may_be_inside_of_a_nested_model(self, keras_model: Any) -> None:
        batch = random_pictures(2, 224)
        forward = compile_forward_pass(keras_model, "multiply_1", 224, described_layer="densenet121/pool4_pool")
        backbone = keras_model.get_layer("densenet121")
        output = keras.Model(backbone.input, backbone.get_layer("pool4_pool").output)
        expected = described(output(batch.numpy().astype(np.float32) / 255, training=False).numpy())
        np.testing.assert_allclose(forward(batch)[2].numpy(), expected, atol=1e-5)

    @pytest.mark.parametrize("grad_cam_layer", ["multiply_1", "densenet121"])
    def test_they_cost_no_second_pass_and_change_nothing(self, keras_model: Any, grad_cam_layer: str) -> None:
        without = compile_forward_pass(keras_model, grad_cam_layer, 224)
        with_them = compile_forward_pass(keras_model, grad_cam_layer, 224, described_layer="densenet121/pool4_pool")
        assert work(with_them) == work(without)
        assert work(without)["Conv2D"] > 100
        batch = random_pictures(2, 224)
        for one, other in zip(without(batch), with_them(batch), strict=False):
            assert one.numpy().tobytes() == other.numpy().tobytes()

    @pytest.mark.parametrize(
        ("layer", "sentence"),
        [
            *[
                (layer, f"the model has no layer {layer}")
                for layer in ("absent", "backbone/absent", "coarse/absent", "", "/", "backbone/")
            ],
            ("pooled", "the output of pooled is not of 4 dimensions"),
            ("pictures", "pictures runs 0 times in a pass"),
            ("backbone/inside", "backbone/inside runs 0 times in a pass"),
        ],
    )
    def test_a_layer_that_is_not_there_has_no_places_or_computes_nothing_is_refused(
        self, small_model: Any, layer: str, sentence: str
    ) -> None:
        with pytest.raises(DescribedLayerError, match=sentence):
            compile_forward_pass(small_model, "coarse", 64, described_layer=layer)


class TestTemperature:
    @pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
    def test_logits_are_divided_by_it_and_maps_do_not_depend_on_it(self, small_model: Any, temperature: float) -> None:
        batch = random_pictures(4, 64)
        probabilities, maps = compile_forward_pass(small_model, "coarse", 64, temperature)(batch)
        as_trained = small_model(batch.numpy().astype(np.float32) / 255).numpy()
        powers = as_trained ** (1 / temperature)
        np.testing.assert_allclose(probabilities.numpy(), powers / powers.sum(axis=1, keepdims=True), atol=1e-6)
        _, usual = compile_forward_pass(small_model, "coarse", 64)(batch)
        assert maps.numpy().tobytes() == usual.numpy().tobytes()
