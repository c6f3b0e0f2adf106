"""Frames in, one report per eye out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

import numpy as np

from src.core.errors import EyeNetError, NoEyesDetected, TooManyPixels
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
from src.services.workers import Room, Workers, a_few_at_once
from src.utils import geometry
from src.utils.image_codec import decode_picture_of
from src.utils.picture_header import read_picture_header
from src.utils.picture_parts import PictureHeader
from src.utils.preprocessing import PREVIEW_LONGEST_SIDE, shrink_to_fit, to_network_input
from src.utils.quality import brightness, contrast, sharpness

_Picture: TypeAlias = tuple[Frame, PictureHeader]
_SeenEye: TypeAlias = tuple[EyeCrop, EyePrediction]

# Standard deviation of grey levels below which a picture shows nothing: a covered lens, a blank page.
_BLANK_CONTRAST = 2.0


@dataclass(frozen=True, slots=True)
class Pictures:
    """The frames of one request, once their headers have been read: what they will cost is known, and still to be paid.

    Attributes:
        readable: each frame with its header.
        failures: the frames that are no pictures, or too large.
    """

    readable: tuple[_Picture, ...]
    failures: tuple[FrameFailure, ...]

    @property
    def pixels(self) -> int:
        """Width x height of all that are readable, as their headers say."""
        return sum(header.pixels for _, header in self.readable)


class EyeAnalysis:
    """Reads headers, then decodes frames, finds the eyes, classifies them, merges per eye, and judges.

    Everything heavy happens on the workers, for a few frames of a request at a time, so that a request of many does not
    stand in front of everybody else's.
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
        max_request_pixels: int,
    ) -> None:
        """The square of `input_side` pixels is the network's; the limits on pixels are checked before decoding."""
        self._detector = detector
        self._crop_queue = crop_queue
        self._image_store = image_store
        self._workers = workers
        self._thresholds = thresholds
        self._input_side = input_side
        self._max_image_pixels = max_image_pixels
        self._max_request_pixels = max_request_pixels

    def read_headers(self, frames: Sequence[Frame], failures: Sequence[FrameFailure] = ()) -> Pictures:
        """The frames as far as their headers tell, milliseconds for megabytes; `failures` are others of the request.

        Raises:
            TooManyPixels: together they have more than a request may.
        """
        headers = [self._header_or_failure(frame) for frame in frames]
        pictures = Pictures(
            tuple(header for header in headers if not isinstance(header, FrameFailure)),
            _in_order(failures, (failure for failure in headers if isinstance(failure, FrameFailure))),
        )
        if pictures.pixels > self._max_request_pixels:
            raise TooManyPixels(
                f"The pictures of the request have {pictures.pixels:,} pixels together, more than the "
                f"{self._max_request_pixels:,} allowed."
            )
        return pictures

    async def analyse_frames(self, pictures: Pictures, room: Room, times: StageTimes | None = None) -> AnalysisReport:
        """One report per eye over all frames of a face; without any eye where no frame could be read.

        Frames are worked on as far as there is `room`. The time of each stage is added to `times`.

        Raises:
            NoEyesDetected: no eye in any frame that could be read.
        """
        times = times or StageTimes()

        async def eyes_or_failure(picture: _Picture) -> list[_SeenEye] | FrameFailure:
            frame, header = picture
            try:
                return await self._predicted(await self._workers.run(self._frame_crops, frame, header, times), times)
            except EyeNetError as error:
                return FrameFailure(frame.index, error)

        results = await a_few_at_once(room, eyes_or_failure, pictures.readable)
        eyes = [eye for result in results if not isinstance(result, FrameFailure) for eye in result]
        damaged = [result for result in results if isinstance(result, FrameFailure)]
        failures = _in_order(pictures.failures, damaged)
        if len(damaged) == len(pictures.readable):
            return AnalysisReport({}, failures)
        return AnalysisReport(await self._eye_reports(eyes, times), failures)

    async def analyse_upload(self, pictures: Pictures, times: StageTimes | None = None) -> AnalysisReport:
        """The report of one picture: of both eyes if it shows a face, else of the one eye that it is taken to show.

        A picture without a face does not tell whose eye it is. It is reported as the left one, as the specification
        does, with `EyeSource.WHOLE_PICTURE` to say so. The time of each stage is added to `times`.

        Raises:
            NoEyesDetected: the picture is blank.
            EyeNetError: the picture cannot be read.
        """
        times = times or StageTimes()
        if pictures.failures:
            raise pictures.failures[0].error
        ((frame, header),) = pictures.readable
        crops = await self._workers.run(self._upload_crops, frame, header, times)
        return AnalysisReport(await self._eye_reports(await self._predicted(crops, times), times), ())

    def _header_or_failure(self, frame: Frame) -> _Picture | FrameFailure:
        try:
            return frame, read_picture_header(frame.data, self._max_image_pixels)
        except EyeNetError as error:
            return FrameFailure(frame.index, error)

    def _frame_crops(self, frame: Frame, header: PictureHeader, times: StageTimes) -> list[EyeCrop]:
        picture = self._decode(frame, header, times)
        with times.measure(Stage.DETECT):
            return self._crops(picture, self._detector.find_eyes(picture, _hint(frame, header)))

    def _upload_crops(self, frame: Frame, header: PictureHeader, times: StageTimes) -> list[EyeCrop]:
        picture = self._decode(frame, header, times)
        with times.measure(Stage.DETECT):
            eyes = self._detector.find_eyes(picture, may_be_close_up=True)
            if not eyes:
                height, width = picture.shape[:2]
                eyes = [EyeRegion(EyeSide.LEFT, Box(0, 0, width, height), EyeSource.WHOLE_PICTURE)]
            return self._crops(picture, eyes)

    def _decode(self, frame: Frame, header: PictureHeader, times: StageTimes) -> RgbImage:
        with times.measure(Stage.DECODE):
            picture = decode_picture_of(frame.data, header)
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

    async def _predicted(self, crops: Sequence[EyeCrop], times: StageTimes) -> list[_SeenEye]:
        if not crops:
            return []
        predictions = await self._crop_queue.classify([crop.network_input for crop in crops], times)
        return list(zip(crops, predictions, strict=True))

    async def _eye_reports(self, eyes: Sequence[_SeenEye], times: StageTimes) -> dict[EyeSide, EyeReport]:
        if not eyes:
            raise NoEyesDetected
        return await self._workers.run(self._merge_per_eye, eyes, times)

    def _merge_per_eye(self, eyes: Sequence[_SeenEye], times: StageTimes) -> dict[EyeSide, EyeReport]:
        reports = {}
        with times.measure(Stage.RENDER):
            for side in EyeSide:
                seen = [eye for eye in eyes if eye[0].side is side]
                if seen:
                    reports[side] = _merge(side, seen, self._thresholds)
        return reports


def _in_order(*failures: Iterable[FrameFailure]) -> tuple[FrameFailure, ...]:
    return tuple(sorted(chain(*failures), key=lambda failure: failure.index))


def _hint(frame: Frame, header: PictureHeader) -> Box | None:
    """Where the browser saw the face, in pixels of the picture as it is decoded."""
    box, shrink = frame.box, header.shrink
    return box and Box(box.x / shrink, box.y / shrink, box.width / shrink, box.height / shrink)


def _quality(network_input: RgbImage, pixels: RgbImage, openness: float | None) -> CropQuality:
    return CropQuality(sharpness(network_input), brightness(network_input), min(pixels.shape[:2]), openness)


def _merge(side: EyeSide, seen: Sequence[_SeenEye], thresholds: Thresholds) -> EyeReport:
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
