"""The bare passes of one layout: no server, no pictures, no answers.

TensorFlow runs the very graph of the service, with all that the service has rewritten in it, so that nothing is gained
by comparing with a slower one. ONNX Runtime runs the backbone alone, without heatmaps.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from lab.bench.floor.layout import BATCH_SIZES, Layout, PassFigures
from src.config.settings import Settings, load_settings
from src.utils.files import sha256_of

_INPUT_SIDE = 224
_WARM_UP_PASSES = 2
_FEWEST_PASSES = 3

Pass = Callable[[Any], Any]
"""One pass of a prepared batch."""

Prepare = Callable[[npt.NDArray[np.uint8]], Any]
"""Pictures, uint8 (n, side, side, 3), to what a pass takes."""


def measure(layout: Layout, seconds: float) -> list[PassFigures]:
    """One entry per batch size.

    Args:
        layout: which; must be the first in its process.
        seconds: for each measurement.
    """
    engine = _tensorflow if layout.engine == "tensorflow" else _onnxruntime
    prepare, run = engine(load_settings(), layout)
    with ThreadPoolExecutor(layout.callers) as callers:
        bench = _Bench(prepare, run, callers, layout.callers, seconds)
        return [PassFigures(batch, bench.eyes_per_s(batch), bench.latency_ms(batch)) for batch in BATCH_SIZES]


class _Bench:
    def __init__(
        self, prepare: Prepare, run: Pass, callers: ThreadPoolExecutor, caller_count: int, seconds: float
    ) -> None:
        self._prepare = prepare
        self._run = run
        self._callers = callers
        self._caller_count = caller_count
        self._seconds = seconds
        self._batches: dict[int, Any] = {}

    def eyes_per_s(self, batch: int) -> float:
        pictures = self._prepared(batch)
        started = time.perf_counter()

        def call_until_over(_caller: int) -> tuple[int, float]:
            passes = 0
            while passes < 1 or time.perf_counter() - started < self._seconds:
                self._run(pictures)
                passes += 1
            return passes, time.perf_counter() - started

        counts = list(self._callers.map(call_until_over, range(self._caller_count)))
        # Each caller by its own time: the last pass of one does not idle away the others'.
        return sum(passes * batch / elapsed for passes, elapsed in counts)

    def latency_ms(self, eyes: int) -> float:
        parts = [self._prepared(size) for size in shares(eyes, self._caller_count)]
        times: list[float] = []
        over = time.perf_counter() + self._seconds
        while len(times) < _FEWEST_PASSES or time.perf_counter() < over:
            started = time.perf_counter()
            list(self._callers.map(self._run, parts))
            times.append((time.perf_counter() - started) * 1000)
        return statistics.median(times)

    def _prepared(self, batch: int) -> Any:
        """A batch that every caller has run: kernels are prepared per batch size."""
        if batch not in self._batches:
            self._batches[batch] = self._warm(batch)
        return self._batches[batch]

    def _warm(self, batch: int) -> Any:
        dice = np.random.default_rng(batch)
        pictures = self._prepare(dice.integers(0, 256, (batch, _INPUT_SIDE, _INPUT_SIDE, 3), dtype=np.uint8))
        list(self._callers.map(self._run, [pictures] * (_WARM_UP_PASSES * self._caller_count)))
        return pictures


def shares(eyes: int, callers: int) -> list[int]:
    """So many eyes shared out as evenly as can be; callers that would get none are left out."""
    parts = min(eyes, callers)
    return [eyes // parts + (index < eyes % parts) for index in range(parts)]


def _tensorflow(settings: Settings, layout: Layout) -> tuple[Prepare, Pass]:
    # Only this engine needs TensorFlow, and importing it starts its threads.
    from src.services.forward_pass import compile_forward_pass  # noqa: PLC0415
    from src.services.frozen_graph import freeze  # noqa: PLC0415
    from src.services.model_file import read_model_card  # noqa: PLC0415
    from src.services.tensorflow_runtime import keras, tf, use_precision  # noqa: PLC0415

    tf.config.threading.set_intra_op_parallelism_threads(layout.threads)
    use_precision(layout.precision)
    card = read_model_card(settings.model_path, sha256_of(settings.model_path))
    model = keras.models.load_model(settings.model_path, compile=False)
    described_layer = None if card.familiarity is None else card.familiarity.layer
    forward = freeze(
        compile_forward_pass(model, settings.grad_cam_layer, _INPUT_SIDE, card.temperature, described_layer)
    )

    def run(batch: Any) -> Any:
        return [output.numpy() for output in forward(batch)]

    return tf.constant, run


def _onnxruntime(settings: Settings, layout: Layout) -> tuple[Prepare, Pass]:
    # Those who measure TensorFlow alone need no ONNX Runtime.
    from lab.bench.sides.onnx_classifier import open_session  # noqa: PLC0415
    from lab.bench.sides.onnx_conversion import converted_model  # noqa: PLC0415

    session = open_session(converted_model(settings), layout.threads)
    name = session.get_inputs()[0].name

    def prepare(pictures: npt.NDArray[np.uint8]) -> Any:
        return pictures.astype(np.float32) / np.float32(255)

    return prepare, lambda batch: session.run(None, {name: batch})


if __name__ == "__main__":
    _arguments = json.loads(sys.argv[1])
    _seconds = _arguments.pop("seconds")
    print(json.dumps([asdict(figures) for figures in measure(Layout(**_arguments), _seconds)]))
