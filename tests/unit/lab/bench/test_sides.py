"""Grad-CAM in closed form is what the service computes by gradients, and each side answers what the service says."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.bench.agreement import Answers, ask, compare, requests_of_all_works
from lab.bench.plan import FASTAPI_ONNX, SERVICE_FLOAT32, USUAL, Side
from lab.bench.sides.onnx import Head, converted_model, softmax
from src.config.settings import PROJECT_ROOT, Settings
from src.services.grad_cam import class_activation_maps, scale_heatmap
from src.services.tensorflow_runtime import keras, tf

CHANNELS, UNITS, CLASSES = 32, 16, 4


def test_logits_and_maps_are_those_of_the_gradients() -> None:
    dice = np.random.default_rng(5)
    arrays = [dice.normal(size=shape) for shape in ((CHANNELS, UNITS), UNITS, (UNITS, CLASSES), CLASSES)]
    head = Head(*(array.astype(np.float32) for array in arrays))
    activations = dice.gamma(1.0, size=(3, 7, 5, CHANNELS)).astype(np.float32)

    def by_gradients(layer_output: Any) -> Any:
        hidden = tf.nn.relu(tf.reduce_mean(layer_output, axis=[1, 2]) @ head.hidden_kernel + head.hidden_bias)
        logits = hidden @ head.last_kernel + head.last_bias
        return logits, class_activation_maps(layer_output, logits)

    expected_logits, expected_maps = (output.numpy() for output in tf.function(by_gradients)(tf.constant(activations)))
    logits, maps = head.logits_and_maps(activations)
    assert maps.shape == (3, CLASSES, 7, 5)
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(maps, expected_maps, rtol=1e-3, atol=1e-3 * expected_maps.max())
    for raw, expected in zip(maps.reshape(-1, 7, 5), expected_maps.reshape(-1, 7, 5), strict=True):
        ours, theirs = scale_heatmap(raw), scale_heatmap(expected)
        assert (ours is None) == (theirs is None)
        if ours is not None and theirs is not None:
            np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_probabilities_are_those_of_the_softmax_at_that_temperature() -> None:
    logits = np.array([[1.0, 2.0, -1.0], [500.0, 0.0, 499.0]], np.float32)
    expected = keras.activations.softmax(tf.constant(logits) / 0.9).numpy()
    np.testing.assert_allclose(softmax(logits, 0.9), expected, atol=1e-6)


def test_the_side_of_onnx_runtime_loads_no_tensorflow() -> None:
    loads = "import sys, lab.bench.sides.onnx, src.services.face_detection; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], cwd=PROJECT_ROOT, check=False).returncode == 0


LIBRARIES = ("fastapi", "onnxruntime", "tf2onnx", "uvicorn")
needs_the_sides = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, LIBRARIES)), reason="installed for the benchmark only: make bench"
)

EYE_FIELDS = {"average_scores", "best_prediction", "image_preview", "grad_cam_preview"}


def answers_of(side: Side, folder: Path) -> Answers:
    with side.process(folder) as process:
        assert process.resident_megabytes > 50
        assert process.ready_s > 0
        answers = ask(process.port, requests_of_all_works(1))
        assert process.cpu_s > 0
    return answers


def eyes_of(answers: Answers, reference: Answers) -> list[tuple[Any, Any]]:
    """Each eye of the answers with that of the service."""
    pairs = [[answer.get("body", answer) for answer in pair] for pair in zip(answers, reference, strict=True)]
    return [(own[side], service[side]) for own, service in pairs for side in ("left_eye", "right_eye")]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return answers_of(SERVICE_FLOAT32, tmp_path_factory.mktemp("service"))


@needs_the_sides
@pytest.mark.heavy
def test_fastapi_and_onnx_runtime_answer_as_the_service_does(
    reference: Answers, settings: Settings, tmp_path: Path
) -> None:
    converted_model(settings)
    answers = answers_of(FASTAPI_ONNX, tmp_path)
    difference = compare(reference, answers)
    assert (difference.eyes, difference.other_class) == (5, 0)
    assert difference.largest_score <= 0.5
    assert difference.largest_heatmap is not None
    assert difference.largest_heatmap <= 3
    for eye, service_eye in eyes_of(answers, reference):
        assert service_eye.keys() <= eye.keys()


@needs_the_sides
@pytest.mark.heavy
def test_the_usual_way_answers_in_the_same_shape(reference: Answers, tmp_path: Path) -> None:
    answers = answers_of(USUAL, tmp_path)
    assert compare(reference, answers).eyes == 5
    for eye, service_eye in eyes_of(answers, reference):
        assert EYE_FIELDS & eye.keys() == EYE_FIELDS & service_eye.keys()
