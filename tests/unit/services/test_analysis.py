"""Frames become one report per eye, as the contract says, with the real detector and the real model."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from PIL import Image

from src.config.settings import Settings
from src.core.errors import (
    NoEyesDetected,
    NotAPicture,
    NotBase64,
    PictureTooLarge,
    PictureTooSmall,
    TooManyPixels,
    UnsupportedPicture,
)
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
    FoundEyes,
    Frame,
    FrameFailure,
    Heatmap,
    Reason,
    RgbImage,
    SideSource,
)
from src.services.analysis import EyeAnalysis, Pictures
from src.services.classifier import EyeClassifier
from src.services.crop_queue import CropQueue
from src.services.eye_locator import EyeLocator
from src.services.grad_cam import lay_over
from src.services.image_store import ImageStore
from src.services.judgement import Reliability, ScoreRange, Thresholds
from src.services.workers import Workers
from src.utils.geometry import cut, whole_pixels
from src.utils.picture_header import read_picture_header
from src.utils.picture_parts import PictureHeader
from src.utils.png_writer import encode_png
from src.utils.preprocessing import ALL, resize, to_network_input

MAX_PIXELS = 4_000_000
THRESHOLDS = Thresholds.from_settings(Settings(_env_file=None))
OF_THE_PICTURE = {Reason.BLURRY, Reason.TOO_DARK, Reason.TOO_BRIGHT, Reason.TOO_SMALL, Reason.EYE_CLOSED}
BOTH = {EyeSide.LEFT, EyeSide.RIGHT}
# How Pillow makes what EXIF's orientation turns upright again.
STORED_AS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
Analyse = Callable[..., Coroutine[None, None, AnalysisReport]]
BuildAnalysis = Callable[..., EyeAnalysis]


def frame_of(picture: RgbImage, index: int = 0) -> Frame:
    return Frame(index, encode_png(picture))


def frames_of(*pictures: RgbImage) -> list[Frame]:
    return [frame_of(picture, index) for index, picture in enumerate(pictures)]


def damaged_png(picture: RgbImage) -> bytes:
    """With a sound header, and zeros in place of its pixels."""
    png = encode_png(picture)
    return png[:60] + bytes(len(png) - 76) + png[-16:]


def noise() -> RgbImage:
    return np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


@pytest.fixture
def build_analysis(
    locator: EyeLocator, classifier: EyeClassifier, settings: Settings, workers: Workers
) -> Iterator[BuildAnalysis]:
    """With the parts and limits that a test does not name as the service has them on two cores."""
    store = ImageStore(settings, idle=True)

    def build(thresholds: Thresholds = THRESHOLDS, reliability: Reliability | None = None) -> EyeAnalysis:
        crop_queue = CropQueue(classifier.classify, workers.executor, eyes_per_pass=1, passes_at_once=2)
        side = classifier.input_side
        return EyeAnalysis(
            locator,
            crop_queue,
            store,
            workers,
            thresholds,
            input_side=side,
            fills_crops=classifier.card.fills_crops,
            reliability=reliability,
            max_image_pixels=MAX_PIXELS,
            max_request_pixels=25 * MAX_PIXELS,
        )

    yield build
    store.close()


@pytest.fixture
def analysis(build_analysis: BuildAnalysis) -> EyeAnalysis:
    return build_analysis()


def report_of(analysis: EyeAnalysis, *pictures: RgbImage) -> AnalysisReport:
    return report_of_frames(analysis, frames_of(*pictures))


def report_of_frames(
    analysis: EyeAnalysis, frames: Sequence[Frame], failures: Sequence[FrameFailure] = ()
) -> AnalysisReport:
    return asyncio.run(two_at_once(analysis, analysis.read_headers(frames, failures)))


async def two_at_once(
    analysis: EyeAnalysis, pictures: Pictures, times: StageTimes | None = None, **told: Any
) -> AnalysisReport:
    return await analysis.analyse_frames(pictures, asyncio.Semaphore(2), times, **told)


def upload_of(analysis: EyeAnalysis, picture: RgbImage | bytes, **told: Any) -> AnalysisReport:
    frame = Frame(0, picture) if isinstance(picture, bytes) else frame_of(picture)
    return asyncio.run(analysis.analyse_upload(analysis.read_headers([frame]), **told))


def test_an_over_exposed_eye_is_too_bright_and_one_less_open_than_the_threshold_closed(
    build_analysis: BuildAnalysis, face: RgbImage, eye_photo: RgbImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which class the model then sees is its own affair; and whether the eye is found, the search's."""
    analysis = build_analysis()
    region = EyeRegion(EyeSide.UNKNOWN, Box(20, 20, 400, 380), EyeSource.EYE_FINDER)
    monkeypatch.setattr(analysis, "_locator", Finds(region))
    (glaring,) = upload_of(analysis, (eye_photo * 4.0).clip(0, 255).astype(np.uint8)).eyes.values()
    assert OF_THE_PICTURE & set(glaring.reasons) == {Reason.TOO_BRIGHT}
    strict = build_analysis(replace(THRESHOLDS, min_eye_openness=0.6))
    for eye in report_of(strict, face).eyes.values():
        assert OF_THE_PICTURE & set(eye.reasons) == {Reason.EYE_CLOSED}


def merged(
    analysis: EyeAnalysis, crops: Sequence[EyeCrop], predictions: Sequence[EyePrediction]
) -> dict[EyeSide, EyeReport]:
    return analysis._merge_per_eye(list(zip(crops, predictions, strict=True)), StageTimes(), overlays=True)


class Finds:
    """One eye, in whatever is looked at."""

    def __init__(self, region: EyeRegion) -> None:
        self._region = region

    def find_eyes(self, _picture: RgbImage, _hint: Box | None, **_options: bool | None) -> FoundEyes:
        return FoundEyes([self._region], 0)


def sides_of(report: AnalysisReport) -> dict[EyeSide, SideSource | None]:
    return {side: eye.side_from for side, eye in report.eyes.items()}


class TestFrames:
    def test_a_face_has_for_each_eye_the_classifiers_scores_and_heatmap_of_that_very_crop(
        self, analysis: EyeAnalysis, locator: EyeLocator, classifier: EyeClassifier, face: RgbImage
    ) -> None:
        report = report_of(analysis, face)
        assert report.eyes.keys() == BOTH
        assert report.failures == ()
        for region in locator.find_eyes(face).eyes:
            eye = report.eyes[region.side]
            assert (eye.side, eye.source, eye.frames_seen) == (region.side, EyeSource.LANDMARKS, 1)
            touched = whole_pixels(region.box, 640, 640)
            assert touched is not None
            assert np.array_equal(eye.preview, cut(face, touched))
            (alone,) = classifier.classify([to_network_input(eye.preview, 224)])
            np.testing.assert_allclose(eye.probabilities, alone.probabilities, atol=1e-5)
            assert eye.best_class == eye.probabilities.argmax()
            heatmap = alone.heatmaps[eye.best_class]
            assert heatmap is not None
            assert eye.overlay is not None
            assert eye.overlay.shape == eye.preview.shape
            assert np.abs(eye.overlay.astype(int) - lay_over(eye.preview, heatmap)).max() <= 2

    def test_an_eye_says_where_it_is_and_from_what_its_side_is_known(
        self, analysis: EyeAnalysis, locator: EyeLocator, face: RgbImage
    ) -> None:
        report = report_of(analysis, face, noise())
        assert report.faces_seen == 1
        for region in locator.find_eyes(face).eyes:
            eye = report.eyes[region.side]
            assert (eye.box, eye.side_from) == (whole_pixels(region.box, 640, 640), SideSource.FACE)
            assert (eye.box.height, eye.box.width) == eye.preview.shape[:2]

    def test_left_and_right_change_places_in_mirrored_frames(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        plain = report_of(analysis, face).eyes
        pictures = analysis.read_headers(frames_of(face))
        swapped = asyncio.run(two_at_once(analysis, pictures, mirrored=True)).eyes
        assert {side: eye.box for side, eye in swapped.items()} == {side.opposite: plain[side].box for side in BOTH}

    def test_the_most_faces_of_one_frame_count(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        two = np.concatenate([face[20:240, 170:390]] * 2, axis=1)
        assert report_of(analysis, face, two, face).faces_seen == 2

    def test_a_frame_without_a_face_adds_nothing(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        alone, together = report_of(analysis, face), report_of(analysis, face, noise())
        assert together.failures == ()
        for side in BOTH:
            assert together.eyes[side].frames_seen == 1
            np.testing.assert_allclose(together.eyes[side].probabilities, alone.eyes[side].probabilities, atol=1e-5)

    @pytest.mark.parametrize("picture", [noise(), np.full((640, 640, 3), 128, np.uint8)], ids=["noise", "grey"])
    def test_without_a_face_no_eyes_are_detected(self, analysis: EyeAnalysis, picture: RgbImage) -> None:
        with pytest.raises(NoEyesDetected, match=r"^No valid eye images detected$"):
            report_of(analysis, picture, picture)

    def test_several_requests_at_once_are_answered_as_one_is(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        async def eight_requests() -> list[AnalysisReport]:
            pictures = analysis.read_headers(frames_of(*[face] * 3))
            return await asyncio.gather(*(two_at_once(analysis, pictures) for _ in range(8)))

        alone = report_of(analysis, *[face] * 3)
        for report in asyncio.run(eight_requests()):
            for side in BOTH:
                assert report.eyes[side].frames_seen == 3
                assert report.eyes[side].probabilities.tobytes() == alone.eyes[side].probabilities.tobytes()
                assert report.eyes[side].unfamiliarity == alone.eyes[side].unfamiliarity


def test_each_eye_says_how_often_its_like_was_right_where_that_is_known(
    build_analysis: BuildAnalysis, face: RgbImage
) -> None:
    always = (ScoreRange(0.0, (0.5, 0.1, 0.1, 0.1)),)
    known = build_analysis(reliability=Reliability((always,) * 4, (0.25,) * 4))
    for eye in report_of(known, face).eyes.values():
        assert eye.expected_precision == pytest.approx((0.5 if eye.best_class == 0 else 0.1) / 0.8)
    assert {eye.expected_precision for eye in report_of(build_analysis(), face).eyes.values()} == {None}


def test_without_overlays_no_heatmap_is_drawn_and_all_else_is_the_same(analysis: EyeAnalysis, face: RgbImage) -> None:
    plain = asyncio.run(analysis.analyse_upload(analysis.read_headers([frame_of(face, 0)]), overlays=False))
    usual = report_of(analysis, face)
    assert plain.eyes.keys() == usual.eyes.keys()
    for side, eye in usual.eyes.items():
        assert eye.overlay is not None
        assert plain.eyes[side].overlay is None
        assert np.array_equal(plain.eyes[side].probabilities, eye.probabilities)
        assert np.array_equal(plain.eyes[side].preview, eye.preview)


NOT_PICTURES = [
    (b"this is text", NotAPicture),
    (encode_png(noise())[:3000], NotAPicture),
    (b"GIF89a" + bytes(20), UnsupportedPicture),
    (encode_png(np.zeros((1, 1, 3), np.uint8)), PictureTooSmall),
    (encode_png(np.zeros((2001, 2000, 3), np.uint8)), PictureTooLarge),
]


class TestBadFrames:
    def test_those_among_good_ones_are_reported_in_their_order(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        bad = [Frame(place, data) for place, (data, _) in enumerate(NOT_PICTURES, 1)]
        report = report_of_frames(
            analysis, [frame_of(face, 0), *bad, frame_of(face, 9)], [FrameFailure(8, NotBase64())]
        )
        assert {eye.frames_seen for eye in report.eyes.values()} == {2}
        errors = [*((place, error) for place, (_, error) in enumerate(NOT_PICTURES, 1)), (8, NotBase64)]
        assert [(failure.index, type(failure.error)) for failure in report.failures] == errors

    @pytest.mark.parametrize("frames", [[], [Frame(1, b"this is text"), Frame(2, b"GIF89a")]], ids=["none", "two"])
    def test_if_none_can_be_read_there_are_no_eyes_but_reasons(
        self, analysis: EyeAnalysis, frames: list[Frame]
    ) -> None:
        report = report_of_frames(analysis, frames)
        assert report.eyes == {}
        assert [failure.index for failure in report.failures] == [frame.index for frame in frames]

    def test_a_bad_frame_beside_one_without_a_face_is_no_eyes(self, analysis: EyeAnalysis) -> None:
        with pytest.raises(NoEyesDetected):
            report_of_frames(analysis, [frame_of(noise(), 0), Frame(1, b"*")])


class TestPixelsOfARequest:
    def test_more_than_allowed_together_are_refused_by_the_headers_alone(self, analysis: EyeAnalysis) -> None:
        # Whoever decoded it would say that it is damaged.
        header = Frame(0, damaged_png(np.zeros((2000, 2000, 3), np.uint8)))
        small = frame_of(noise())
        assert analysis.read_headers([header] * 25).pixels == 100_000_000
        with pytest.raises(TooManyPixels, match=r"have 100,409,600 pixels together, more than the 100,000,000 allowed"):
            analysis.read_headers([small, *[header] * 25])

    def test_pictures_that_are_not_decoded_do_not_count(self, analysis: EyeAnalysis) -> None:
        too_large = frame_of(np.zeros((2001, 2000, 3), np.uint8))
        pictures = analysis.read_headers([too_large] * 30)
        assert pictures.pixels == 0
        assert len(pictures.failures) == 30


class TestGivingUp:
    """Nothing is computed for a request that will not be answered."""

    COUNT = 24

    @pytest.fixture
    def decoded(self, analysis: EyeAnalysis, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Which frames were begun."""
        begun: list[int] = []
        decode = analysis._decode

        def counted(frame: Frame, header: PictureHeader, times: StageTimes) -> RgbImage:
            begun.append(frame.index)
            return decode(frame, header, times)

        monkeypatch.setattr(analysis, "_decode", counted)
        return begun

    def test_frames_of_a_request_that_is_given_up_are_not_begun(
        self, analysis: EyeAnalysis, face: RgbImage, decoded: list[int]
    ) -> None:
        async def scene() -> None:
            pictures = analysis.read_headers(frames_of(*[face] * self.COUNT))
            task = asyncio.create_task(two_at_once(analysis, pictures))
            while not decoded:
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()

        asyncio.run(scene())
        begun = len(decoded)
        assert 1 <= begun < self.COUNT
        # Whoever comes next does not wait for them either.
        report_of(analysis, face)
        assert len(decoded) == begun + 1

    def test_a_frame_that_breaks_the_service_ends_the_work_on_the_others(
        self, analysis: EyeAnalysis, face: RgbImage, decoded: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(analysis, "_crops", lambda *_: divmod(1, 0))
        with pytest.raises(ZeroDivisionError):
            report_of(analysis, *[face] * self.COUNT)
        assert len(decoded) < self.COUNT


class TestUpload:
    def test_a_strip_with_both_eyes_is_both_eyes_on_either_route(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        strip = np.ascontiguousarray(face[95:150, 200:370])
        for report in (report_of(analysis, strip), upload_of(analysis, strip)):
            assert sides_of(report) == dict.fromkeys(BOTH, SideSource.FACE)
            assert {eye.source for eye in report.eyes.values()} == {EyeSource.EYE_FINDER}
            assert report.faces_seen == 0

    def test_a_photo_without_an_eye_has_no_answer(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        for part in (face[160:200, 240:320], face[420:600, 60:240]):
            with pytest.raises(NoEyesDetected):
                upload_of(analysis, resize(np.ascontiguousarray(part), 480, 360))

    @pytest.mark.parametrize("mirrored", [None, False, True])
    def test_one_eye_is_the_one_that_the_caller_says_and_of_unknown_side_if_nobody_does(
        self, analysis: EyeAnalysis, eye_photo: RgbImage, monkeypatch: pytest.MonkeyPatch, mirrored: bool | None
    ) -> None:
        region = EyeRegion(EyeSide.UNKNOWN, Box(-40, 30, 360, 330), EyeSource.EYE_FINDER)
        monkeypatch.setattr(analysis, "_locator", Finds(region))
        for told, side_from in ((None, None), (EyeSide.LEFT, SideSource.CALLER), (EyeSide.RIGHT, SideSource.CALLER)):
            report = upload_of(analysis, eye_photo, eye=told, mirrored=mirrored)
            ((side, eye),) = report.eyes.items()
            assert (side, eye.side_from, report.faces_seen) == (told or EyeSide.UNKNOWN, side_from, 0)
            assert eye.side is side
            assert eye.box == Box(0, 30, 320, 330)

    @pytest.mark.parametrize("side_from", [SideSource.FACE, SideSource.INNER_CORNER])
    def test_so_is_one_whose_side_the_picture_seems_to_show(
        self, analysis: EyeAnalysis, eye_photo: RgbImage, monkeypatch: pytest.MonkeyPatch, side_from: SideSource
    ) -> None:
        region = EyeRegion(EyeSide.LEFT, Box(40, 30, 360, 330), EyeSource.EYE_FINDER, side_from=side_from)
        monkeypatch.setattr(analysis, "_locator", Finds(region))
        assert sides_of(upload_of(analysis, eye_photo)) == {EyeSide.LEFT: side_from}
        told = upload_of(analysis, eye_photo, eye=EyeSide.RIGHT, mirrored=True)
        assert sides_of(told) == {EyeSide.RIGHT: SideSource.CALLER}

    def test_what_the_search_doubts_is_a_reason(
        self, analysis: EyeAnalysis, eye_photo: RgbImage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        region = EyeRegion(EyeSide.UNKNOWN, Box(40, 30, 360, 330), EyeSource.EYE_FINDER)
        for found, expected in (
            (region, set()),
            (replace(region, sure=False), {Reason.NOT_AN_EYE}),
            (replace(region, lids_visible=False), {Reason.TOO_CLOSE}),
        ):
            monkeypatch.setattr(analysis, "_locator", Finds(found))
            (eye,) = upload_of(analysis, eye_photo).eyes.values()
            assert set(eye.reasons) & {Reason.NOT_AN_EYE, Reason.TOO_CLOSE} == expected

    def test_the_eyes_of_a_face_know_better_than_the_caller(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        plain = upload_of(analysis, face).eyes
        told = upload_of(analysis, face, eye=EyeSide.RIGHT)
        assert told.faces_seen == 1
        assert {side: eye.box for side, eye in told.eyes.items()} == {side: plain[side].box for side in BOTH}
        assert {eye.side_from for eye in told.eyes.values()} == {SideSource.FACE}
        swapped = upload_of(analysis, face, eye=EyeSide.RIGHT, mirrored=True).eyes
        assert {side: eye.box for side, eye in swapped.items()} == {side.opposite: plain[side].box for side in BOTH}

    @pytest.mark.parametrize("orientation", [1, *STORED_AS])
    @pytest.mark.parametrize(("scale", "shrink"), [(1, 1), (3, 2)], ids=["as it is", "read smaller"])
    def test_a_box_is_in_pixels_of_the_upright_picture_that_was_sent(
        self, analysis: EyeAnalysis, face: RgbImage, orientation: int, scale: int, shrink: int
    ) -> None:
        upright = Image.fromarray(np.concatenate([face, face[:, :160]], axis=1))
        upright = upright.resize((800 * scale, 640 * scale))
        stored = upright.transpose(STORED_AS[orientation]) if orientation > 1 else upright
        exif, file = Image.Exif(), io.BytesIO()
        exif[0x0112] = orientation
        stored.save(file, "JPEG", exif=exif, quality=95)
        assert read_picture_header(file.getvalue(), MAX_PIXELS).shrink == shrink
        eyes = upload_of(analysis, file.getvalue()).eyes
        for side, pupil_x, pupil_y in ((EyeSide.RIGHT, 255, 126), (EyeSide.LEFT, 308, 129)):
            box = eyes[side].box
            assert pupil_x * scale == pytest.approx(box.x + box.width / 2, abs=6 * scale)
            assert pupil_y * scale == pytest.approx(box.y + box.height / 2, abs=8 * scale)
            assert 35 * scale < box.width < 60 * scale
            assert all(value == int(value) for value in dataclasses.astuple(box))

    def test_a_picture_that_is_read_smaller_has_its_last_row_and_column_in_the_box_of_the_whole(
        self, analysis: EyeAnalysis, eye_photo: RgbImage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        region = EyeRegion(EyeSide.UNKNOWN, Box(0, 0, 1251, 1152), EyeSource.WHOLE_PICTURE, sure=False)
        monkeypatch.setattr(analysis, "_locator", Finds(region))
        file = io.BytesIO()
        Image.fromarray(eye_photo).resize((2501, 2303)).save(file, "JPEG", quality=95)
        assert read_picture_header(file.getvalue(), MAX_PIXELS).shrink == 2
        assert upload_of(analysis, file.getvalue()).eyes[EyeSide.UNKNOWN].box == Box(0, 0, 2501, 2303)

    @pytest.mark.parametrize(("level", "grain"), [(0, 0), (127, 0), (255, 0), (12, 1)])
    def test_a_blank_picture_or_a_covered_lens_shows_no_eye(
        self, analysis: EyeAnalysis, level: int, grain: int
    ) -> None:
        picture = np.random.default_rng(0).normal(level, grain, (400, 400, 3))
        with pytest.raises(NoEyesDetected):
            upload_of(analysis, picture.clip(0, 255).astype(np.uint8))


class TestMerging:
    """What one picture cannot show: made-up predictions of made-up crops."""

    @staticmethod
    def crop(side: EyeSide, sharpness: float, level: int = 100, side_from: SideSource | None = None) -> EyeCrop:
        picture = np.full((20, 30, 3), level, np.uint8)
        quality = CropQuality(sharpness, 128, 100, 0.3)
        return EyeCrop(side, EyeSource.LANDMARKS, picture, picture, quality, Box(level, 4, 30, 20), ALL, side_from)

    def merged_sides(self, analysis: EyeAnalysis, *crops: EyeCrop) -> dict[EyeSide, EyeReport]:
        return merged(analysis, crops, [self.prediction([0.9, 0.1], [0, 0])] * len(crops))

    def test_the_box_is_that_of_the_sharpest_frame(self, analysis: EyeAnalysis) -> None:
        crops = [self.crop(EyeSide.LEFT, sharpness, level) for sharpness, level in ((0.3, 10), (0.9, 20), (0.5, 30))]
        assert self.merged_sides(analysis, *crops)[EyeSide.LEFT].box == Box(20, 4, 30, 20)

    @pytest.mark.parametrize(
        ("sides", "frames"),
        [
            (["unknown", "unknown"], {"unknown": 2}),
            (["left", "unknown", "unknown"], {"left": 3}),
            (["unknown", "right"], {"right": 2}),
            (["left", "unknown", "right", "left"], {"left": 2, "right": 1}),
        ],
    )
    def test_an_eye_of_unknown_side_is_the_only_one_that_other_frames_know_or_else_left_out(
        self, analysis: EyeAnalysis, sides: list[str], frames: dict[str, int]
    ) -> None:
        report = self.merged_sides(analysis, *(self.crop(EyeSide(side), 0.5) for side in sides))
        assert {side.value: eye.frames_seen for side, eye in report.items()} == frames
        assert all(eye.side is side for side, eye in report.items())

    @pytest.mark.parametrize(
        ("sources", "expected"),
        [
            ([None, None], None),
            ([None, SideSource.INNER_CORNER], SideSource.INNER_CORNER),
            ([SideSource.INNER_CORNER, SideSource.FACE, None], SideSource.FACE),
            ([SideSource.FACE, SideSource.CALLER], SideSource.CALLER),
        ],
    )
    def test_the_side_is_known_from_the_best_that_any_frame_knows_it_from(
        self, analysis: EyeAnalysis, sources: list[SideSource | None], expected: SideSource | None
    ) -> None:
        crops = [self.crop(EyeSide.LEFT if source else EyeSide.UNKNOWN, 0.5, side_from=source) for source in sources]
        (eye,) = self.merged_sides(analysis, *crops).values()
        assert eye.side_from is expected

    @staticmethod
    def prediction(probabilities: list[float], hot_columns: list[int | None]) -> EyePrediction:
        """One map per class, hot in one column; None for a flat map."""
        maps: list[Heatmap | None] = []
        for column in hot_columns:
            heatmap = np.zeros((7, 7), np.float32)
            heatmap[:, column or 0] = 1
            maps.append(None if column is None else heatmap)
        return EyePrediction(np.array(probabilities, np.float32), tuple(maps))

    def test_the_heatmap_is_the_sharpest_frames_for_the_class_that_won_over_all_frames(
        self, analysis: EyeAnalysis
    ) -> None:
        crops = [self.crop(EyeSide.LEFT, 0.5), self.crop(EyeSide.LEFT, 0.9, level=50), self.crop(EyeSide.LEFT, 0.5)]
        sharpest = self.prediction([0.6, 0.4], [1, 5])
        others = [self.prediction([0.1, 0.9], [3, 3]), self.prediction([0, 1], [3, 3])]
        report = merged(analysis, crops, [others[0], sharpest, others[1]])
        eye = report[EyeSide.LEFT]
        assert eye.best_class == 1
        assert sharpest.heatmaps[1] is not None
        assert eye.overlay is not None
        assert np.array_equal(eye.overlay, lay_over(crops[1].preview, sharpest.heatmaps[1]))

    def test_a_flat_map_has_no_overlay_and_an_eye_that_was_never_seen_no_report(self, analysis: EyeAnalysis) -> None:
        report = merged(analysis, [self.crop(EyeSide.RIGHT, 1)], [self.prediction([0.9, 0.1], [None, 3])])
        assert report.keys() == {EyeSide.RIGHT}
        assert report[EyeSide.RIGHT].overlay is None

    def test_eyes_are_not_mixed(self, analysis: EyeAnalysis) -> None:
        crops = [self.crop(EyeSide.LEFT, 0.1, 10), self.crop(EyeSide.RIGHT, 0.9, 20), self.crop(EyeSide.LEFT, 0.2, 30)]
        predictions = [self.prediction([share, 1 - share], [0, 0]) for share in (0.2, 0.9, 0.4)]
        report = merged(analysis, crops, predictions)
        assert report[EyeSide.LEFT].probabilities.tolist() == pytest.approx([0.3, 0.7])
        assert report[EyeSide.RIGHT].probabilities.tolist() == pytest.approx([0.9, 0.1])
        assert report[EyeSide.LEFT].confidence == pytest.approx(0.7)
        assert report[EyeSide.RIGHT].reasons == ()
        assert (report[EyeSide.LEFT].frames_seen, report[EyeSide.RIGHT].frames_seen) == (2, 1)
        assert (report[EyeSide.LEFT].preview[0, 0, 0], report[EyeSide.RIGHT].preview[0, 0, 0]) == (30, 20)

    def test_each_eye_is_judged_on_its_own_frames(self, analysis: EyeAnalysis) -> None:
        crops = [self.crop(EyeSide.LEFT, 0.01), self.crop(EyeSide.RIGHT, 0.9), self.crop(EyeSide.LEFT, 0.02)]
        predictions = [self.prediction(shares, [0, 0]) for shares in ([0.9, 0.1], [0.5, 0.5], [0.1, 0.9])]
        report = merged(analysis, crops, predictions)
        assert report[EyeSide.LEFT].reasons == (Reason.LOW_CONFIDENCE, Reason.BLURRY, Reason.FRAMES_DISAGREE)
        assert report[EyeSide.RIGHT].reasons == (Reason.LOW_CONFIDENCE,)

    def test_one_sharp_frame_among_blurred_ones_is_enough(self, analysis: EyeAnalysis) -> None:
        crops = [self.crop(EyeSide.LEFT, sharpness) for sharpness in (0.01, 0.5, 0.02)]
        report = merged(analysis, crops, [self.prediction([0.9, 0.1], [0, 0])] * 3)
        assert report[EyeSide.LEFT].reasons == ()


def test_the_stages_that_a_request_reaches_are_timed(
    analysis: EyeAnalysis, face: RgbImage, eye_photo: RgbImage
) -> None:
    everything = [Stage.DECODE, Stage.DETECT, Stage.INFER, Stage.RENDER]
    several: Analyse = partial(two_at_once, analysis)
    cases: list[tuple[Analyse, list[Frame], list[Stage]]] = [
        (several, frames_of(face, face), everything),
        (analysis.analyse_upload, [frame_of(eye_photo)], everything),
        (several, frames_of(noise()), [Stage.DECODE, Stage.DETECT]),
        (analysis.analyse_upload, [Frame(0, damaged_png(noise()))], [Stage.DECODE]),
    ]
    for analyse, frames, stages in cases:
        times = StageTimes()
        expected = contextlib.nullcontext() if stages is everything else pytest.raises((NoEyesDetected, NotAPicture))
        with expected:
            asyncio.run(analyse(analysis.read_headers(frames), times=times))
        assert list(times.seconds()) == stages
        assert min(times.seconds().values()) > 0
