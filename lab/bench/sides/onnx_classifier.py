"""The same network in ONNX Runtime: one session, its passes with as many threads as told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime

from lab.bench.sides.closed_form import Head, scaled_map, softmax
from lab.bench.sides.onnx_conversion import ConvertedModel
from src.core.types import EyePrediction, RgbImage


def open_session(model: ConvertedModel, threads: int) -> onnxruntime.InferenceSession:
    """A session on the processor whose passes take `threads` threads each, and that wastes none while it waits."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between passes take the processor from detection and decoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    return onnxruntime.InferenceSession(str(model.backbone), options, providers=["CPUExecutionProvider"])


class OnnxClassifier:
    """Scores and heatmaps of eye crops. Safe to call from many threads at once."""

    def __init__(self, model: ConvertedModel, temperature: float, threads: int) -> None:
        self._session = open_session(model, threads)
        self._input_name = self._session.get_inputs()[0].name
        self._head = Head.load(model.head)
        self._temperature = temperature

    def classify(self, crops: Sequence[RgbImage]) -> list[EyePrediction]:
        """One pass for all crops, RGB uint8, each as large as the network takes it; in their order."""
        pictures = np.stack(crops).astype(np.float32) / np.float32(255)
        (activations,) = self._session.run(None, {self._input_name: pictures})
        logits, maps = self._head.logits_and_maps(np.asarray(activations))
        probabilities = softmax(logits, self._temperature)
        return [
            EyePrediction(crop_probabilities, tuple(scaled_map(raw) for raw in crop_maps))
            for crop_probabilities, crop_maps in zip(probabilities, maps, strict=True)
        ]
