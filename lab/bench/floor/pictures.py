"""What pictures cost anybody: decoding the photo, finding the eyes of a frame in the box that came with it."""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from lab.bench.work import PREDICT_5, face_frame, photo_file
from src.config.settings import load_settings
from src.services.assets import prepare_assets
from src.services.face_detection import FaceDetector

_FEWEST_REPETITIONS = 5


def measure(seconds: float) -> dict[str, float]:
    """Medians in milliseconds.

    Args:
        seconds: for each measurement.

    Returns:
        `decode_photo_ms` with Pillow, all pixels; `detect_frame_ms` of one frame; `detect_five_frames_ms` of the five
        frames of a request, side by side on all cores.
    """
    settings = load_settings()
    detector = FaceDetector.from_settings(prepare_assets(), settings)
    photo = photo_file()
    frames = [face_frame(seed) for seed in range(PREDICT_5.frames)]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        return {
            "decode_photo_ms": _median_ms(lambda: Image.open(io.BytesIO(photo)).convert("RGB"), seconds),
            "detect_frame_ms": _median_ms(lambda: detector.find_eyes(*frames[0]), seconds),
            "detect_five_frames_ms": _median_ms(
                lambda: list(workers.map(lambda frame: detector.find_eyes(*frame), frames)), seconds
            ),
        }


def _median_ms(work: Callable[[], object], seconds: float) -> float:
    for _ in range(_FEWEST_REPETITIONS):
        work()
    times: list[float] = []
    over = time.perf_counter() + seconds
    while len(times) < _FEWEST_REPETITIONS or time.perf_counter() < over:
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    print(json.dumps(measure(float(sys.argv[1]))))
