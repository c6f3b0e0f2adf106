"""Frames in, one report per eye out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from src.core.errors import EyeNetError, NoEyesDetected
from src.core.stage_times import Stage, StageTimes
from src.core.types import (
    AnalysisReport,
    Box,
    CropQuality,
    EyeCrop,
    EyePrediction,
    EyeRegion,
    EyeReport,
    EyeSide,
    EyeSource,
    Frame,
    FrameFailure,
    RgbImage,
)
from src.services.crop_queue import CropQueue
from src.services.face_detection import FaceDetector
from src.services.grad_cam import lay_over
from src.services.image_store import ImageStore
from src.services.judgement import Thresholds, reasons_to_doubt, typical_unfamiliarity
from src.services.workers import Workers
from src.utils import geometry
from src.utils.image_codec import decode_picture
from src.utils.preprocessing import PREVIEW_LONGEST_SIDE, shrink_to_fit, to_network_input
from src.utils.quality import brightness, contrast, sharpness

# Standard deviation of grey levels below which a picture shows nothing: a covered lens, a blank page.
_BLANK_CONTRAST = 2.0


class EyeAnalysis:
    """Decodes frames, finds the eyes, classifies them, merges per eye, and judges.

    Everything heavy happens on the workers: several frames are decoded and searched at the same time, and several eyes
    classified.
    """

    def __init__(
        self,
        detector: FaceDetector,
        crop_queue: CropQueue,
        image_store: ImageStore,
        workers: Workers,
        thresholds: Thresholds,
        *,
        input_side: int,
        max_image_pixels: int,
    ) -> None:
        """The square of `input_side` pixels is the network's; `max_image_pixels` is checked before decoding."""
        self._detector = detector
        self._crop_queue = crop_queue
        self._image_store = image_store
        self._workers = workers
        self._thresholds = thresholds
        self._input_side = input_side
        self._max_image_pixels = max_image_pixels

    async def analyse_frames(self, frames: Sequence[Frame], times: StageTimes | None = None) -> AnalysisReport:
        """One report per eye over all frames of a face; without any eye where no frame could be read.

        The time of each stage is added to `times`.

        Raises:
            NoEyesDetected: no eye in any frame that could be read.
        """
        times = times or StageTimes()
        results = await self._workers.run_for_all(self._crops_or_failure, frames, times)
        crops = [crop for result in results if not isinstance(result, FrameFailure) for crop in result]
        failures = tuple(result for result in results if isinstance(result, FrameFailure))
        if len(failures) == len(frames):
            return AnalysisReport({}, failures)
        return AnalysisReport(await self._eye_reports(crops, times), failures)

    async def analyse_upload(self, frame: Frame, times: StageTimes | None = None) -> AnalysisReport:
        """The report of one picture: of both eyes if it shows a face, else of the one eye that it is taken to show.

        A picture without a face does not tell whose eye it is. It is reported as the left one, as the specification
        does, with `EyeSource.WHOLE_PICTURE` to say so. The time of each stage is added to `times`.

        Raises:
            NoEyesDetected: the picture is blank.
            EyeNetError: the picture cannot be read.
        """
        times = times or StageTimes()
        crops = await self._workers.run(self._upload_crops, frame, times)
        return AnalysisReport(await self._eye_reports(crops, times), ())

    def _crops_or_failure(self, frame: Frame, times: StageTimes) -> list[EyeCrop] | FrameFailure:
        try:
            picture = self._decode(frame, times)
        except EyeNetError as error:
            return FrameFailure(frame.index, error)
        with times.measure(Stage.DETECT):
            return self._crops(picture, self._detector.find_eyes(picture, frame.box))

    def _upload_crops(self, frame: Frame, times: StageTimes) -> list[EyeCrop]:
        picture = self._decode(frame, times)
        with times.measure(Stage.DETECT):
            eyes = self._detector.find_eyes(picture, frame.box, may_be_close_up=True)
            if not eyes:
                height, width = picture.shape[:2]
                eyes = [EyeRegion(EyeSide.LEFT, Box(0, 0, width, height), EyeSource.WHOLE_PICTURE)]
            return self._crops(picture, eyes)

    def _decode(self, frame: Frame, times: StageTimes) -> RgbImage:
        with times.measure(Stage.DECODE):
            picture = decode_picture(frame.data, self._max_image_pixels)
        self._image_store.save_frame(picture)
        return picture

    def _crops(self, picture: RgbImage, eyes: Sequence[EyeRegion]) -> list[EyeCrop]:
        crops = []
        for eye in eyes:
            pixels = geometry.cut(picture, eye.box)
            if pixels is None:
                continue
            network_input = to_network_input(pixels, self._input_side)
            if contrast(network_input) < _BLANK_CONTRAST:
                continue
            preview = shrink_to_fit(pixels, PREVIEW_LONGEST_SIDE)
            self._image_store.save_eye(preview)
            quality = _quality(network_input, pixels, eye.openness)
            crops.append(EyeCrop(eye.side, eye.source, preview, network_input, quality))
        return crops

    async def _eye_reports(self, crops: Sequence[EyeCrop], times: StageTimes) -> dict[EyeSide, EyeReport]:
        if not crops:
            raise NoEyesDetected
        predictions = await self._crop_queue.classify([crop.network_input for crop in crops], times)
        return await self._workers.run(self._merge_per_eye, crops, predictions, times)

    def _merge_per_eye(
        self, crops: Sequence[EyeCrop], predictions: Sequence[EyePrediction], times: StageTimes
    ) -> dict[EyeSide, EyeReport]:
        reports = {}
        with times.measure(Stage.RENDER):
            for side in EyeSide:
                seen = [pair for pair in zip(crops, predictions, strict=True) if pair[0].side is side]
                if seen:
                    reports[side] = _merge(side, seen, self._thresholds)
        return reports


def _quality(network_input: RgbImage, pixels: RgbImage, openness: float | None) -> CropQuality:
    return CropQuality(sharpness(network_input), brightness(network_input), min(pixels.shape[:2]), openness)


def _merge(side: EyeSide, seen: Sequence[tuple[EyeCrop, EyePrediction]], thresholds: Thresholds) -> EyeReport:
    predictions = [prediction for _, prediction in seen]
    mean = np.mean([prediction.probabilities for prediction in predictions], axis=0, dtype=np.float64)
    probabilities = mean.astype(np.float32)
    best_class = int(probabilities.argmax())
    sharpest, its_prediction = max(seen, key=lambda pair: pair[0].quality.sharpness)
    heatmap = its_prediction.heatmaps[best_class]
    return EyeReport(
        side=side,
        probabilities=probabilities,
        best_class=best_class,
        frames_seen=len(seen),
        preview=sharpest.preview,
        overlay=None if heatmap is None else lay_over(sharpest.preview, heatmap),
        source=sharpest.source,
        confidence=float(probabilities[best_class]),
        reasons=reasons_to_doubt(
            probabilities, predictions, [crop.quality for crop, _ in seen], sharpest.quality, thresholds
        ),
        unfamiliarity=typical_unfamiliarity(predictions),
    )
