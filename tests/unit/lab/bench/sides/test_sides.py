"""Each side starts, answers, and says what the service says. Needs requirements/bench.txt."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from lab.bench.agreement import Answers, ask_one_by_one, compare, one_request_of_each
from lab.bench.sides.onnx_conversion import converted_model
from lab.bench.sides.side import FASTAPI_ONNX, SERVICE_FLOAT32, USUAL, Side
from src.config.settings import Settings

LIBRARIES = ("fastapi", "onnxruntime", "psutil", "tf2onnx", "uvicorn")
pytestmark = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, LIBRARIES)), reason="installed for the benchmark only: make bench"
)

EYE_FIELDS = {"average_scores", "best_prediction", "image_preview", "grad_cam_preview"}


def answers_of(side: Side, folder: Path) -> Answers:
    from lab.bench.sides.process import SideProcess

    with SideProcess(side, folder) as process:
        assert process.memory_mb > 50
        assert process.ready_s > 0
        answers = ask_one_by_one(process.port, one_request_of_each())
        assert process.cpu_s > 0
    return answers


def eyes_of(answer: Any) -> list[dict[str, Any]]:
    eyes = answer.get("body", answer)
    return [eyes["left_eye"], eyes["right_eye"]]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return answers_of(SERVICE_FLOAT32, tmp_path_factory.mktemp("service"))


def test_fastapi_and_onnx_runtime_answer_as_the_service_does(
    reference: Answers, settings: Settings, tmp_path: Path
) -> None:
    converted_model(settings)
    answers = answers_of(FASTAPI_ONNX, tmp_path)
    difference = compare(reference, answers)
    assert difference.eyes == 5
    assert difference.other_class == 0
    assert difference.largest_score <= 0.5
    assert difference.largest_heatmap is not None
    assert difference.largest_heatmap <= 3
    for answer, expected in zip(answers, reference, strict=True):
        for eye, service_eye in zip(eyes_of(answer), eyes_of(expected), strict=True):
            assert service_eye.keys() <= eye.keys()


def test_the_usual_way_answers_in_the_same_shape(reference: Answers, tmp_path: Path) -> None:
    answers = answers_of(USUAL, tmp_path)
    for answer, expected in zip(answers, reference, strict=True):
        for eye, service_eye in zip(eyes_of(answer), eyes_of(expected), strict=True):
            assert EYE_FIELDS & eye.keys() == EYE_FIELDS & service_eye.keys()
    assert compare(reference, answers).eyes == 5
