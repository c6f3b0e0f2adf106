"""The floor: what passes of the network and pictures cost anybody, without a server around them.

TensorFlow runs the service's own rewritten graph: a slower one would flatter the service. ONNX Runtime runs the
backbone alone, without heatmaps.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from lab.bench.sides.onnx import converted_model, open_session
from lab.common.machine import cpu_has_bfloat16
from lab.common.work import PREDICT_5, face_frame, photo_file
from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.core.types import Box, RgbImage
from src.services.assets import prepare_assets
from src.services.eye_locator import EyeLocator
from src.utils.files import sha256_of

BATCH_SIZES = (1, 2, 5, 10)

_INPUT_SIDE = 224
_WARM_UP_PASSES = 2
_FEWEST_PASSES = 3
_FEWEST_REPETITIONS = 5

# Pictures, uint8 (n, side, side, 3), to what a pass takes; and one pass of them.
Engine = tuple[Callable[[npt.NDArray[np.uint8]], Any], Callable[[Any], Any]]


@dataclass(frozen=True, slots=True)
class Layout:
    """An engine (tensorflow or onnxruntime) in a precision (float32 or bfloat16), and how its passes share the cores:
    `threads` within one pass, `callers` side by side.
    """

    engine: str
    precision: str
    threads: int
    callers: int


def layouts() -> list[Layout]:
    """One thread per pass and a caller per core, and one caller whose passes take all cores; in each precision."""
    cores = os.cpu_count() or 1
    kinds = [("tensorflow", "float32"), ("onnxruntime", "float32")]
    if cpu_has_bfloat16():
        kinds.append(("tensorflow", "bfloat16"))
    spreads = {(1, cores), (cores, 1)}
    return [Layout(*kind, *spread) for kind in kinds for spread in sorted(spreads)]


def measure_passes(layout: Layout, seconds: float) -> list[dict[str, float]]:
    """The figures of a layout, from a process of its own: threads are set once per process.

    Returns:
        of each batch size: `batch`, the eyes in one pass; `eyes_per_s` while all callers are busy; `latency_ms`, the
        median time for that many eyes, shared out among the callers, when nothing else runs.
    """
    figures: list[dict[str, float]] = _apart(asdict(layout), seconds)
    return figures


def measure_pictures(seconds: float) -> dict[str, float]:
    """Medians in milliseconds, from a process of its own.

    Returns:
        `decode_photo_ms` with Pillow, all pixels; `detect_frame_ms` of one frame in the box that came with it;
        `detect_five_frames_ms` of the five frames of a request, side by side on all cores.
    """
    figures: dict[str, float] = _apart(None, seconds)
    return figures


def _apart(layout: dict[str, Any] | None, seconds: float) -> Any:
    process = subprocess.run(
        [sys.executable, "-m", "lab.bench.floor", json.dumps([layout, seconds])],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    # Libraries talk while they are loaded; the figures are the last line.
    return json.loads(process.stdout.splitlines()[-1])


def shares(eyes: int, callers: int) -> list[int]:
    """The eyes shared out as evenly as possible; callers that would get none are left out."""
    parts = min(eyes, callers)
    return [eyes // parts + (index < eyes % parts) for index in range(parts)]


def _tensorflow(settings: Settings, layout: Layout) -> Engine:
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
    return tf.constant, lambda batch: [output.numpy() for output in forward(batch)]


def _onnxruntime(settings: Settings, layout: Layout) -> Engine:
    session = open_session(converted_model(settings), layout.threads)
    name = session.get_inputs()[0].name
    return (
        lambda pictures: pictures.astype(np.float32) / np.float32(255),
        lambda batch: session.run(None, {name: batch}),
    )


def _measure_passes(layout: Layout, seconds: float) -> list[dict[str, float]]:
    engine = _tensorflow if layout.engine == "tensorflow" else _onnxruntime
    prepare, run = engine(load_settings(), layout)
    batches: dict[int, Any] = {}
    with ThreadPoolExecutor(layout.callers) as callers:

        def prepared(batch: int) -> Any:
            """A batch that every caller has run: kernels are prepared per batch size."""
            if batch not in batches:
                dice = np.random.default_rng(batch)
                pictures = prepare(dice.integers(0, 256, (batch, _INPUT_SIDE, _INPUT_SIDE, 3), dtype=np.uint8))
                list(callers.map(run, [pictures] * (_WARM_UP_PASSES * layout.callers)))
                batches[batch] = pictures
            return batches[batch]

        def eyes_per_s(batch: int) -> float:
            pictures = prepared(batch)
            started = time.perf_counter()

            def call_until_over(_caller: int) -> float:
                passes = 0
                while passes < 1 or time.perf_counter() - started < seconds:
                    run(pictures)
                    passes += 1
                # Each caller by its own time, so that the others do not pay for the last pass of one.
                return passes * batch / (time.perf_counter() - started)

            return sum(callers.map(call_until_over, range(layout.callers)))

        def latency_ms(eyes: int) -> float:
            parts = [prepared(size) for size in shares(eyes, layout.callers)]
            return _median_ms(lambda: list(callers.map(run, parts)), seconds, _FEWEST_PASSES)

        return [
            {"batch": batch, "eyes_per_s": eyes_per_s(batch), "latency_ms": latency_ms(batch)} for batch in BATCH_SIZES
        ]


def _measure_pictures(seconds: float) -> dict[str, float]:
    settings = load_settings()
    locator = EyeLocator.from_settings(prepare_assets(), settings)
    photo = photo_file()
    frames = [face_frame(seed) for seed in range(PREDICT_5.frames)]

    def find(frame: tuple[RgbImage, Box]) -> object:
        return locator.find_eyes(*frame)

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        works: dict[str, Callable[[], object]] = {
            "decode_photo_ms": lambda: Image.open(io.BytesIO(photo)).convert("RGB"),
            "detect_frame_ms": lambda: find(frames[0]),
            "detect_five_frames_ms": lambda: list(workers.map(find, frames)),
        }
        for work in works.values():
            for _ in range(_FEWEST_REPETITIONS):
                work()
        return {name: _median_ms(work, seconds, _FEWEST_REPETITIONS) for name, work in works.items()}


def _median_ms(work: Callable[[], object], seconds: float, fewest: int) -> float:
    times: list[float] = []
    over = time.perf_counter() + seconds
    while len(times) < fewest or time.perf_counter() < over:
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    _layout, _seconds = json.loads(sys.argv[1])
    print(json.dumps(_measure_passes(Layout(**_layout), _seconds) if _layout else _measure_pictures(_seconds)))
