"""How long each stage of one request took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum


class Stage(str, Enum):
    """What is done to a request, in its order."""

    PARSE = "parse"
    QUEUE = "queue"
    DECODE = "decode"
    DETECT = "detect"
    INFER = "infer"
    RENDER = "render"
    ENCODE = "encode"


class StageTimes:
    """Seconds per stage of one request. Safe to use from many threads.

    Frames and eyes are worked on side by side and their times are added up, so a stage's time may be longer than the
    request took.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[Stage, float] = {}

    @contextmanager
    def measure(self, stage: Stage) -> Iterator[None]:
        """Adds what the block takes, also if it raises."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, time.perf_counter() - started)

    def add(self, stage: Stage, seconds: float) -> None:
        with self._lock:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds

    def seconds(self) -> Mapping[Stage, float]:
        """Of the stages that were reached so far, in the order of `Stage`."""
        with self._lock:
            return {stage: self._seconds[stage] for stage in Stage if stage in self._seconds}
