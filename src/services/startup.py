"""Builds all services in their order, and takes them down again."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

from src.config.settings import Settings
from src.core.types import ModelInfo
from src.services.analysis import EyeAnalysis
from src.services.assets import prepare_assets
from src.services.classifier import EyeClassifier
from src.services.face_detection import FaceDetector
from src.services.image_store import ImageStore
from src.services.thresholds import Thresholds


@dataclass(frozen=True, slots=True)
class Services:
    """What the HTTP side needs.

    Attributes:
        executor: the only threads on which pictures and large JSON are worked on.
    """

    analysis: EyeAnalysis
    model: ModelInfo
    executor: Executor
    image_store: ImageStore

    def close(self) -> None:
        """Waits for what is being worked on."""
        self.executor.shutdown(wait=True)
        self.image_store.close()


def load_services(settings: Settings) -> Services:
    """Loads everything, which takes seconds, and leaves the model warm.

    Raises:
        StartupError: something is missing or does not fit; the sentence says what.
    """
    assets = prepare_assets()
    image_store = ImageStore(settings)
    detector = FaceDetector(
        assets,
        crop_padding_x=settings.crop_padding_x,
        crop_padding_y=settings.crop_padding_y,
        mirrored_input=settings.mirrored_input,
    )
    classifier = EyeClassifier.from_settings(settings)
    executor = ThreadPoolExecutor(settings.worker_thread_count, thread_name_prefix="worker")
    thresholds = Thresholds.from_settings(settings)
    analysis = EyeAnalysis(detector, classifier, image_store, executor, thresholds, settings.max_image_pixels)
    return Services(analysis, classifier.info, executor, image_store)
