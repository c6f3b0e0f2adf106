"""Frames in, one report per eye out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import ParamSpec, TypeVar

import numpy as np

from src.core.errors import EyeNetError, NoEyesDetected
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
from src.services.classifier import EyeClassifier
from src.services.face_detection import FaceDetector
from src.services.image_store import ImageStore
from src.services.judgement import reasons_to_doubt, typical_unfamiliarity
from src.services.thresholds import Thresholds
from src.utils import geometry
from src.utils.data_uri import decode_data_uri
from src.utils.heatmap_overlay import lay_over
from src.utils.image_codec import decode_picture
from src.utils.preprocessing import shrink_to_fit, to_network_input
from src.utils.quality import brightness, contrast, sharpness

_PREVIEW_LONGEST_SIDE = 512
# Standard deviation of grey levels below which a picture shows nothing: a covered lens, a blank page.
_BLANK_CONTRAST = 2.0

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class EyeAnalysis:
    """Decodes frames, finds the eyes, classifies all of them in one batch, merges per eye, and judges.

    All work of weight happens on the executor's threads; several frames are decoded and searched at the same time.
    """

    def __init__(
        self,
        detector: FaceDetector,
        classifier: EyeClassifier,
        image_store: ImageStore,
        executor: Executor,
        thresholds: Thresholds,
        max_image_pixels: int,
    ) -> None:
        self._detector = detector
        self._classifier = classifier
        self._image_store = image_store
        self._executor = executor
        self._thresholds = thresholds
        self._max_image_pixels = max_image_pixels

    async def analyse_frames(self, frames: Sequence[Frame], failures: Sequence[FrameFailure] = ()) -> AnalysisReport:
        """One report per eye over all frames of a face.

        Args:
            frames: the frames that could be parsed.
            failures: those that could not; they are reported together with the frames that cannot be decoded.

        Raises:
            NoEyesDetected: no eye in any frame that could be read.
            EyeNetError: no frame could be read; the first frame's error.
        """
        results = await asyncio.gather(*(self._run(self._crops_or_failure, frame) for frame in frames))
        crops = [crop for result in results if not isinstance(result, FrameFailure) for crop in result]
        failed = [result for result in results if isinstance(result, FrameFailure)]
        all_failures = tuple(sorted([*failures, *failed], key=lambda failure: failure.index))
        if len(failed) == len(frames) and all_failures:
            raise all_failures[0].error
        return AnalysisReport(await self._eye_reports(crops), all_failures)

    async def analyse_upload(self, frame: Frame) -> AnalysisReport:
        """The report of one picture: of both eyes if it shows a face, else of the one eye that it is taken to show.

        A picture without a face does not tell whose eye it is. It is reported as the left one, as the specification
        does, with `EyeSource.WHOLE_PICTURE` to say so.

        Raises:
            NoEyesDetected: the picture is blank.
            EyeNetError: the picture cannot be read.
        """
        crops = await self._run(self._upload_crops, frame)
        return AnalysisReport(await self._eye_reports(crops), ())

    async def _run(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def _crops_or_failure(self, frame: Frame) -> list[EyeCrop] | FrameFailure:
        try:
            picture = self._decode(frame)
        except EyeNetError as error:
            return FrameFailure(frame.index, error.located(f"Frame {frame.index + 1}: image"))
        return self._crops(picture, self._detector.find_eyes(picture, frame.box))

    def _upload_crops(self, frame: Frame) -> list[EyeCrop]:
        try:
            picture = self._decode(frame)
        except EyeNetError as error:
            raise error.located("image") from None
        eyes = self._detector.find_eyes(picture, frame.box, may_be_close_up=True)
        if not eyes:
            height, width = picture.shape[:2]
            eyes = [EyeRegion(EyeSide.LEFT, Box(0, 0, width, height), EyeSource.WHOLE_PICTURE)]
        return self._crops(picture, eyes)

    def _decode(self, frame: Frame) -> RgbImage:
        picture = decode_picture(decode_data_uri(frame.image), self._max_image_pixels)
        self._image_store.save_frame(picture)
        return picture

    def _crops(self, picture: RgbImage, eyes: Sequence[EyeRegion]) -> list[EyeCrop]:
        crops = []
        for eye in eyes:
            pixels = geometry.cut(picture, eye.box)
            if pixels is None:
                continue
            network_input = to_network_input(pixels, self._classifier.input_side)
            if contrast(network_input) < _BLANK_CONTRAST:
                continue
            preview = shrink_to_fit(pixels, _PREVIEW_LONGEST_SIDE)
            self._image_store.save_eye(preview)
            quality = _quality(network_input, pixels, eye.openness)
            crops.append(EyeCrop(eye.side, eye.source, preview, network_input, quality))
        return crops

    async def _eye_reports(self, crops: Sequence[EyeCrop]) -> dict[EyeSide, EyeReport]:
        if not crops:
            raise NoEyesDetected
        predictions = await self._run(self._classifier.classify, [crop.network_input for crop in crops])
        return await self._run(_merge_per_eye, crops, predictions, self._thresholds)


def _quality(network_input: RgbImage, pixels: RgbImage, openness: float | None) -> CropQuality:
    return CropQuality(sharpness(network_input), brightness(network_input), min(pixels.shape[:2]), openness)


def _merge_per_eye(
    crops: Sequence[EyeCrop], predictions: Sequence[EyePrediction], thresholds: Thresholds
) -> dict[EyeSide, EyeReport]:
    reports = {}
    for side in EyeSide:
        seen = [pair for pair in zip(crops, predictions, strict=True) if pair[0].side is side]
        if seen:
            reports[side] = _merge(side, seen, thresholds)
    return reports


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
