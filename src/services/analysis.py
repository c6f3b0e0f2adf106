"""Frames in, one report per eye out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

import numpy as np

from src.core.errors import EyeNetError, NoEyesDetected, TooManyPixels
from src.core.stage_times import Stage, StageTimes
from src.core.types import (
    AnalysisReport,
    Box,
    EyeCrop,
    EyePrediction,
    EyeReport,
    EyeSide,
    FoundEyes,
    Frame,
    FrameFailure,
    RgbImage,
    SideSource,
)
from src.services.crop_queue import CropQueue
from src.services.eye_crops import cut_eye
from src.services.eye_locator import EyeLocator
from src.services.grad_cam import lay_over
from src.services.image_store import ImageStore
from src.services.judgement import Reliability, Thresholds, reasons_to_doubt, typical_unfamiliarity
from src.services.workers import Room, Workers, a_few_at_once
from src.utils import geometry
from src.utils.image_codec import decode_picture_of
from src.utils.picture_header import read_picture_header
from src.utils.picture_parts import PictureHeader

_Picture: TypeAlias = tuple[Frame, PictureHeader]
_SeenEye: TypeAlias = tuple[EyeCrop, EyePrediction]
_FrameCrops: TypeAlias = tuple[list[EyeCrop], int]
"""The eyes of one frame, and how many faces it shows."""

# What is said of an eye's side over several frames is what the best of them says.
_SIDE_SOURCES = (SideSource.CALLER, SideSource.FACE, SideSource.INNER_CORNER)


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
        locator: EyeLocator,
        crop_queue: CropQueue,
        image_store: ImageStore,
        workers: Workers,
        thresholds: Thresholds,
        *,
        input_side: int,
        fills_crops: bool,
        reliability: Reliability | None,
        max_image_pixels: int,
        max_request_pixels: int,
    ) -> None:
        """The square of `input_side` pixels is the network's, which knows crops filled or not (see `cut_eye`); the
        limits on pixels are checked before decoding. Without `reliability` no answer says how often its like is right.
        """
        self._locator = locator
        self._crop_queue = crop_queue
        self._image_store = image_store
        self._workers = workers
        self._thresholds = thresholds
        self._input_side = input_side
        self._fills_crops = fills_crops
        self._reliability = reliability
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

    async def analyse_frames(
        self,
        pictures: Pictures,
        room: Room,
        times: StageTimes | None = None,
        *,
        mirrored: bool | None = None,
        overlays: bool = True,
    ) -> AnalysisReport:
        """One report per eye over all frames of a face; without any eye where no frame could be read.

        Frames are worked on as far as there is `room`. The time of each stage is added to `times`. For `mirrored` see
        `EyeLocator.find_eyes`. Without `overlays` no heatmap is laid over anything.

        Raises:
            NoEyesDetected: no eye in any frame that could be read.
        """
        times = times or StageTimes()

        async def eyes_or_failure(picture: _Picture) -> tuple[list[_SeenEye], int] | FrameFailure:
            frame, header = picture
            try:
                crops, faces = await self._workers.run(self._frame_crops, frame, header, times, mirrored)
                return await self._predicted(crops, times), faces
            except EyeNetError as error:
                return FrameFailure(frame.index, error)

        results = await a_few_at_once(room, eyes_or_failure, pictures.readable)
        seen = [result for result in results if not isinstance(result, FrameFailure)]
        failures = _in_order(pictures.failures, (result for result in results if isinstance(result, FrameFailure)))
        if not seen:
            return AnalysisReport({}, failures)
        eyes = [eye for eyes_of_frame, _ in seen for eye in eyes_of_frame]
        return AnalysisReport(await self._eye_reports(eyes, times, overlays), failures, max(faces for _, faces in seen))

    async def analyse_upload(
        self,
        pictures: Pictures,
        times: StageTimes | None = None,
        *,
        eye: EyeSide | None = None,
        mirrored: bool | None = None,
        overlays: bool = True,
    ) -> AnalysisReport:
        """The report of one picture: of both eyes, or of the one that it shows.

        Where one eye is seen, it is the one that the client says in `eye`, mirrored or not. The time of each stage is
        added to `times`. For `mirrored` see `EyeLocator.find_eyes`; without `overlays` no heatmap is laid over it.

        Raises:
            NoEyesDetected: there is none in it.
            EyeNetError: the picture cannot be read.
        """
        times = times or StageTimes()
        if pictures.failures:
            raise pictures.failures[0].error
        ((frame, header),) = pictures.readable
        crops, faces = await self._workers.run(self._frame_crops, frame, header, times, mirrored)
        if eye is not None and len(crops) == 1:
            crops = [replace(crops[0], side=eye, side_from=SideSource.CALLER)]
        return AnalysisReport(await self._eye_reports(await self._predicted(crops, times), times, overlays), (), faces)

    def _header_or_failure(self, frame: Frame) -> _Picture | FrameFailure:
        try:
            return frame, read_picture_header(frame.data, self._max_image_pixels)
        except EyeNetError as error:
            return FrameFailure(frame.index, error)

    def _frame_crops(
        self, frame: Frame, header: PictureHeader, times: StageTimes, mirrored: bool | None
    ) -> _FrameCrops:
        picture = self._decode(frame, header, times)
        with times.measure(Stage.DETECT):
            return self._crops(
                picture, header, self._locator.find_eyes(picture, _hint(frame, header), mirrored=mirrored)
            )

    def _decode(self, frame: Frame, header: PictureHeader, times: StageTimes) -> RgbImage:
        with times.measure(Stage.DECODE):
            picture = decode_picture_of(frame.data, header)
        self._image_store.save_frame(picture)
        return picture

    def _crops(self, picture: RgbImage, header: PictureHeader, found: FoundEyes) -> _FrameCrops:
        crops = []
        for eye in found.eyes:
            crop = cut_eye(picture, eye, self._input_side, filled=self._fills_crops)
            box = geometry.whole_pixels(geometry.scaled(eye.box, header.shrink), *header.upright_size)
            if crop is not None and box is not None:
                self._image_store.save_eye(crop.preview)
                crops.append(replace(crop, box=box))
        return crops, found.faces

    async def _predicted(self, crops: Sequence[EyeCrop], times: StageTimes) -> list[_SeenEye]:
        if not crops:
            return []
        predictions = await self._crop_queue.classify([crop.network_input for crop in crops], times)
        return list(zip(crops, predictions, strict=True))

    async def _eye_reports(
        self, eyes: Sequence[_SeenEye], times: StageTimes, overlays: bool
    ) -> dict[EyeSide, EyeReport]:
        if not eyes:
            raise NoEyesDetected
        return await self._workers.run(self._merge_per_eye, eyes, times, overlays)

    def _merge_per_eye(self, eyes: Sequence[_SeenEye], times: StageTimes, overlays: bool) -> dict[EyeSide, EyeReport]:
        with times.measure(Stage.RENDER):
            return {
                side: _merge(side, seen, self._thresholds, self._reliability, overlays)
                for side, seen in _by_side(eyes).items()
            }


def _in_order(*failures: Iterable[FrameFailure]) -> tuple[FrameFailure, ...]:
    return tuple(sorted(chain(*failures), key=lambda failure: failure.index))


def _hint(frame: Frame, header: PictureHeader) -> Box | None:
    """Where the browser saw the face, in pixels of the picture as it is decoded."""
    box, shrink = frame.box, header.shrink
    return box and Box(box.x / shrink, box.y / shrink, box.width / shrink, box.height / shrink)


def _by_side(eyes: Sequence[_SeenEye]) -> dict[EyeSide, list[_SeenEye]]:
    """The eyes in the order of their frames.

    Frames of one request show one person. So an eye of unknown side is the only one whose side other frames show; where
    they show both, it may be either, and is left out.
    """
    # What may be no eye at all says nothing beside eyes that are.
    eyes = [eye for eye in eyes if eye[0].quality.sure] or eyes
    sides = {crop.side for crop, _ in eyes}
    known = [side for side in (EyeSide.LEFT, EyeSide.RIGHT) if side in sides]
    if len(known) < 2:
        return {known[0] if known else EyeSide.UNKNOWN: list(eyes)}
    return {side: [eye for eye in eyes if eye[0].side is side] for side in known}


def _merge(
    side: EyeSide, seen: Sequence[_SeenEye], thresholds: Thresholds, reliability: Reliability | None, overlays: bool
) -> EyeReport:
    predictions = [prediction for _, prediction in seen]
    mean = np.mean([prediction.probabilities for prediction in predictions], axis=0, dtype=np.float64)
    probabilities = mean.astype(np.float32)
    best_class = int(probabilities.argmax())
    confidence = float(probabilities[best_class])
    sharpest, its_prediction = max(seen, key=lambda pair: pair[0].quality.sharpness)
    heatmap = its_prediction.heatmaps[best_class] if overlays else None
    return EyeReport(
        side=side,
        probabilities=probabilities,
        best_class=best_class,
        frames_seen=len(seen),
        preview=sharpest.preview,
        overlay=None if heatmap is None else lay_over(sharpest.preview, heatmap, sharpest.place),
        source=sharpest.source,
        confidence=confidence,
        reasons=reasons_to_doubt(
            probabilities, predictions, [crop.quality for crop, _ in seen], sharpest.quality, thresholds
        ),
        box=sharpest.box,
        side_from=next((source for source in _SIDE_SOURCES if source in {crop.side_from for crop, _ in seen}), None),
        unfamiliarity=typical_unfamiliarity(predictions),
        expected_precision=None if reliability is None else reliability.expected_precision(best_class, confidence),
    )
