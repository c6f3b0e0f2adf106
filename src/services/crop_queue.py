"""Crops of all requests wait here for a pass through the network."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TypeAlias

from src.core.stage_times import Stage, StageTimes
from src.core.types import EyePrediction, RgbImage

Classify: TypeAlias = Callable[[Sequence[RgbImage]], Sequence[EyePrediction]]


@dataclass(frozen=True, slots=True)
class _Crop:
    """One crop of a request, the times of that request, and the prediction to come."""

    pixels: RgbImage
    times: StageTimes
    prediction: Future[EyePrediction] = field(default_factory=Future)


class CropQueue:
    """Takes crops in their order, as many per pass as are waiting and fit; a pass never waits to be filled.

    Eyes of one request and of several may share a pass, which pays on a GPU. Safe to use from many threads.
    """

    def __init__(
        self,
        classify: Classify,
        executor: Executor,
        *,
        eyes_per_pass: int,
        passes_at_once: int,
        on_pass: Callable[[int], None] = lambda _eyes: None,
    ) -> None:
        """`classify` is one pass, one prediction per crop; `on_pass` is called before it with its number of eyes."""
        self._classify = classify
        self._executor = executor
        self._eyes_per_pass = eyes_per_pass
        self._passes_at_once = passes_at_once
        self._on_pass = on_pass
        self._lock = threading.Lock()
        self._waiting: deque[_Crop] = deque()
        self._passes = 0

    async def classify(self, pictures: Sequence[RgbImage], times: StageTimes) -> list[EyePrediction]:
        """The predictions of these crops, in their order.

        If the caller is cancelled or one of its crops breaks its pass, those that no pass has taken yet are dropped.
        Each crop's share of its pass is added to `times` as `Stage.INFER`.

        Raises:
            whatever the pass raised that had one of the crops; other passes are not affected.
        """
        crops = [_Crop(pixels, times) for pixels in pictures]
        with self._lock:
            self._waiting.extend(crops)
        for _ in crops:
            self._start_pass()
        try:
            return list(await asyncio.gather(*(asyncio.wrap_future(crop.prediction) for crop in crops)))
        except BaseException:
            self._drop(crops)
            raise

    def _drop(self, crops: Sequence[_Crop]) -> None:
        for crop in crops:
            crop.prediction.cancel()
        with self._lock:
            self._waiting = deque(crop for crop in self._waiting if not crop.prediction.cancelled())

    def _start_pass(self) -> None:
        with self._lock:
            if not self._waiting or self._passes >= self._passes_at_once:
                return
            self._passes += 1
        try:
            self._executor.submit(self._run_pass)
        except RuntimeError as closed:
            self._give_up(closed)

    def _give_up(self, reason: Exception) -> None:
        """Tells all who wait that there will be no more passes."""
        with self._lock:
            self._passes -= 1
            left, self._waiting = self._waiting, deque()
        for crop in left:
            if crop.prediction.set_running_or_notify_cancel():
                crop.prediction.set_exception(reason)

    def _run_pass(self) -> None:
        batch = self._take()
        try:
            if batch:
                self._classify_batch(batch)
        except Exception as error:
            # Whatever broke, everyone who waits for it has to hear of it.
            for crop in batch:
                if not crop.prediction.done():
                    crop.prediction.set_exception(error)
        finally:
            with self._lock:
                self._passes -= 1
            # At the back of the executor's queue, where older work than the next crops may be waiting.
            self._start_pass()

    def _classify_batch(self, batch: Sequence[_Crop]) -> None:
        self._on_pass(len(batch))
        started = time.perf_counter()
        predictions = self._classify([crop.pixels for crop in batch])
        seconds = time.perf_counter() - started
        for crop, prediction in zip(batch, predictions, strict=True):
            crop.times.add(Stage.INFER, seconds / len(batch))
            crop.prediction.set_result(prediction)

    def _take(self) -> list[_Crop]:
        batch: list[_Crop] = []
        with self._lock:
            while self._waiting and len(batch) < self._eyes_per_pass:
                crop = self._waiting.popleft()
                if crop.prediction.set_running_or_notify_cancel():
                    batch.append(crop)
        return batch
