"""Builds all services in their order, sets the process up for them, and takes them down again."""

from __future__ import annotations

import contextlib
import ctypes
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2
import numpy as np

from src.config.settings import Settings
from src.core.errors import StartupError
from src.core.types import ModelInfo
from src.services.analysis import EyeAnalysis
from src.services.assets import prepare_assets
from src.services.classifier import EyeClassifier
from src.services.crop_queue import CropQueue
from src.services.eye_locator import EyeLocator
from src.services.grad_cam import lay_over
from src.services.image_store import ImageStore
from src.services.judgement import Reliability, Thresholds
from src.services.model_file import ModelCard
from src.services.tensorflow_runtime import (
    enable_memory_growth,
    eyes_per_pass,
    has_gpu,
    leave_graphs_as_they_are,
    passes_at_once,
    run_each_pass_on_one_core,
)
from src.services.workers import Workers
from src.utils.image_codec import decode_picture
from src.utils.png_writer import encode_png
from src.utils.preprocessing import to_network_input


@dataclass(frozen=True, slots=True)
class Services:
    """What the HTTP side needs.

    Attributes:
        workers: the only threads on which pictures and large JSON are worked on.
        requests_at_once: how many requests keep the workers busy; more would only wait for each other.
        frames_at_once: how many frames of one request do.
        input_side: of the square that the network takes, in pixels.
    """

    analysis: EyeAnalysis
    model: ModelInfo
    workers: Workers
    image_store: ImageStore
    requests_at_once: int
    frames_at_once: int
    input_side: int

    def problems(self) -> list[str]:
        """A sentence for the log from each service that is dead; empty while all is well.

        Takes microseconds, never waits, and may be asked from any thread. Only services with threads of their own are
        asked: the others are what their last call was.
        """
        return [problem for service in (self.workers, self.image_store) if (problem := service.problem())]

    def running(self) -> dict[object, str]:
        """What the workers are in the middle of, see `Workers.running`. Not the disk: it holds nobody up."""
        return self.workers.running()

    def close(self) -> None:
        """Waits for what is being worked on."""
        self.workers.close()
        self.image_store.close()


def start_services(
    settings: Settings, on_pass: Callable[[int], None] = lambda _eyes: None, *, keeps_pictures: bool = True
) -> Services:
    """`load_services`, once, for a process that exists for them: it is set up first, and its memory settled after.

    Raises:
        StartupError: as in `load_services`.
    """
    prepare_process(settings)
    services = load_services(settings, on_pass, keeps_pictures=keeps_pictures)
    _settle_memory()
    return services


def prepare_process(settings: Settings) -> None:
    """Sets OpenCV and TensorFlow up for every service of this process, before anything is computed.

    One core per piece of work, and as many pieces at once as there are cores: nothing waits for its parts.
    """
    cv2.setNumThreads(1)
    run_each_pass_on_one_core()
    if not has_gpu():
        leave_graphs_as_they_are()
    if settings.gpu_memory_growth:
        enable_memory_growth()


def _settle_memory() -> None:
    # What has been made stays until the end: looking through it for garbage again and again would hold everything up.
    gc.collect()
    gc.freeze()
    # Loading leaves about 280 MB free that glibc would keep; other C libraries have no such function.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def load_services(
    settings: Settings, on_pass: Callable[[int], None] = lambda _eyes: None, *, keeps_pictures: bool = True
) -> Services:
    """Loads everything, which takes seconds, and leaves the model and every thread warm. May be called again and again.

    `on_pass` is called before each pass through the network with its number of eyes. Without `keeps_pictures`, for a
    process that works on files of its own, the store is idle: see `ImageStore`.

    Raises:
        StartupError: something is missing or does not fit; the sentence says what.
    """
    image_store = ImageStore(settings, idle=not keeps_pictures)
    with ThreadPoolExecutor(1, thread_name_prefix="detector-loader") as beside:
        # The landmark file takes a second, in which the model is loaded.
        loading = beside.submit(lambda: EyeLocator.from_settings(prepare_assets(), settings))
        classifier = EyeClassifier.from_settings(settings)
        locator = loading.result()
    workers = Workers(settings.worker_thread_count)
    workers.run_on_each(locator.prepare_thread)
    _go_once_through_everything(locator, classifier)
    crop_queue = CropQueue(
        classifier.classify,
        workers.executor,
        eyes_per_pass=eyes_per_pass(settings),
        passes_at_once=passes_at_once(settings),
        on_pass=on_pass,
    )
    analysis = EyeAnalysis(
        locator,
        crop_queue,
        image_store,
        workers,
        _thresholds(classifier.card, settings),
        input_side=classifier.input_side,
        fills_crops=classifier.card.fills_crops,
        reliability=_reliability(classifier.card, settings),
        max_image_pixels=settings.max_image_pixels,
        max_request_pixels=settings.max_request_pixels,
    )
    return Services(
        analysis=analysis,
        model=classifier.info,
        workers=workers,
        image_store=image_store,
        # While each worker has a request, another one stands ready for it, and eyes enough for the next pass.
        requests_at_once=2 * workers.count + eyes_per_pass(settings),
        # Each has two eyes, and at any time something that a worker could do.
        frames_at_once=max(workers.count, eyes_per_pass(settings) // 2),
        input_side=classifier.input_side,
    )


def _thresholds(card: ModelCard, settings: Settings) -> Thresholds:
    most = None if card.other_condition is None else card.other_condition.most
    return Thresholds.from_settings(settings, card.least_confidence, most)


def _reliability(card: ModelCard, settings: Settings) -> Reliability | None:
    """At the prevalence that the settings say."""
    prevalence, classes = settings.prevalence, settings.classes
    if prevalence and len(prevalence) != len(classes):
        raise StartupError(
            f"PREVALENCE is wrong: it has {len(prevalence)} shares, CLASSES names {len(classes)} classes."
        )
    return card.reliability and (replace(card.reliability, prevalence=prevalence) if prevalence else card.reliability)


def _go_once_through_everything(locator: EyeLocator, classifier: EyeClassifier) -> None:
    """What a request needs, so that the first one is as fast as the second. Nothing of it is saved."""
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    picture = decode_picture(encode_png(noise), noise.size)
    locator.find_eyes(picture)
    crop = to_network_input(picture, classifier.input_side)
    (prediction,) = classifier.classify([crop])
    for heatmap in prediction.heatmaps:
        if heatmap is not None:
            encode_png(lay_over(crop, heatmap))
