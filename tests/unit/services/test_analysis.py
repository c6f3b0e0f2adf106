"""Frames become one report per eye, as the contract says, with the real detector and the real model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.config.settings import Settings, load_settings
from src.core.errors import (
    NoEyesDetected,
    NotAPicture,
    PictureTooLarge,
    PictureTooSmall,
    UnsupportedPicture,
)
from src.core.stage_times import Stage, StageTimes
from src.core.types import (
    AnalysisReport,
    Box,
    CropQuality,
    EyeCrop,
    EyePrediction,
    EyeReport,
    EyeSide,
    EyeSource,
    Frame,
    Heatmap,
    Reason,
    RgbImage,
)
from src.services.analysis import EyeAnalysis
from src.services.classifier import EyeClassifier
from src.services.crop_queue import CropQueue
from src.services.face_detection import FaceDetector
from src.services.grad_cam import lay_over
from src.services.image_store import ImageStore
from src.services.judgement import Thresholds
from src.services.workers import Workers
from src.utils.geometry import cut
from src.utils.image_codec import encode_png
from src.utils.preprocessing import resize, to_network_input

MAX_PIXELS = 4_000_000
THRESHOLDS = Thresholds.from_settings(Settings(_env_file=None))
BuildAnalysis = Callable[..., EyeAnalysis]


def frame_of(picture: RgbImage, index: int = 0, box: Box | None = None) -> Frame:
    return Frame(index, encode_png(picture), box)


def frames_of(*pictures: RgbImage) -> list[Frame]:
    return [frame_of(picture, index) for index, picture in enumerate(pictures)]


def blurred(picture: RgbImage) -> RgbImage:
    return cv2.GaussianBlur(picture, (9, 9), 0)


def noise() -> RgbImage:
    return np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    workers = Workers(2)
    yield workers
    workers.close()


@pytest.fixture
def image_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ImageStore]:
    monkeypatch.setenv("TEMP_IMAGES_DIR", str(tmp_path / "frames"))
    monkeypatch.setenv("SAVED_EYES_DIR", str(tmp_path / "eyes"))
    store = ImageStore(load_settings(env_file=None))
    yield store
    store.close()


@pytest.fixture
def build_analysis(
    detector: FaceDetector, classifier: EyeClassifier, image_store: ImageStore, workers: Workers
) -> BuildAnalysis:
    """With the parts and limits that a test does not name as the service has them on two cores."""

    def build(*, store: ImageStore = image_store, thresholds: Thresholds = THRESHOLDS) -> EyeAnalysis:
        crop_queue = CropQueue(classifier.classify, workers.executor, eyes_per_pass=1, passes_at_once=2)
        side = classifier.input_side
        return EyeAnalysis(
            detector, crop_queue, store, workers, thresholds, input_side=side, max_image_pixels=MAX_PIXELS
        )

    return build


@pytest.fixture
def analysis(build_analysis: BuildAnalysis) -> EyeAnalysis:
    return build_analysis()


def report_of(analysis: EyeAnalysis, *pictures: RgbImage) -> AnalysisReport:
    return asyncio.run(analysis.analyse_frames(frames_of(*pictures)))


def upload_of(analysis: EyeAnalysis, picture: RgbImage) -> AnalysisReport:
    return asyncio.run(analysis.analyse_upload(frame_of(picture)))


def merged(
    analysis: EyeAnalysis, crops: Sequence[EyeCrop], predictions: Sequence[EyePrediction]
) -> dict[EyeSide, EyeReport]:
    return analysis._merge_per_eye(crops, predictions, StageTimes())


class TestFrames:
    def test_a_face_has_a_report_for_each_eye(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        report = report_of(analysis, face)
        assert report.eyes.keys() == set(EyeSide)
        assert report.failures == ()
        for side, eye in report.eyes.items():
            assert eye.side is side
            assert eye.source is EyeSource.LANDMARKS
            assert eye.frames_seen == 1
            assert eye.probabilities.sum() == pytest.approx(1, abs=1e-5)
            assert eye.best_class == eye.probabilities.argmax()

    def test_the_preview_is_the_eye_as_it_is_in_the_picture(
        self, analysis: EyeAnalysis, detector: FaceDetector, face: RgbImage
    ) -> None:
        report = report_of(analysis, face)
        for region in detector.find_eyes(face):
            expected = cut(face, region.box)
            assert expected is not None
            assert np.array_equal(report.eyes[region.side].preview, expected)

    def test_the_scores_are_the_classifiers_on_that_very_crop(
        self, analysis: EyeAnalysis, classifier: EyeClassifier, face: RgbImage
    ) -> None:
        for eye in report_of(analysis, face).eyes.values():
            (alone,) = classifier.classify([to_network_input(eye.preview, 224)])
            np.testing.assert_allclose(eye.probabilities, alone.probabilities, atol=1e-5)

    def test_the_heatmap_lies_over_the_preview(
        self, analysis: EyeAnalysis, classifier: EyeClassifier, face: RgbImage
    ) -> None:
        for eye in report_of(analysis, face).eyes.values():
            (alone,) = classifier.classify([to_network_input(eye.preview, 224)])
            heatmap = alone.heatmaps[eye.best_class]
            assert heatmap is not None
            assert eye.overlay is not None
            assert eye.overlay.shape == eye.preview.shape
            assert np.abs(eye.overlay.astype(int) - lay_over(eye.preview, heatmap)).max() <= 2

    def test_scores_are_the_mean_over_the_frames(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        pictures = [face, (face * 0.5).astype(np.uint8), blurred(face)]
        alone = [report_of(analysis, picture) for picture in pictures]
        together = report_of(analysis, *pictures)
        for side in EyeSide:
            singles = np.array([report.eyes[side].probabilities for report in alone])
            assert np.ptp(singles, axis=0).max() > 1e-3
            np.testing.assert_allclose(together.eyes[side].probabilities, singles.mean(axis=0), atol=1e-5)
            assert together.eyes[side].frames_seen == 3

    @pytest.mark.parametrize("place_of_the_sharp_one", [0, 1, 2])
    def test_the_preview_is_that_of_the_sharpest_frame(
        self, analysis: EyeAnalysis, face: RgbImage, place_of_the_sharp_one: int
    ) -> None:
        pictures = [blurred(face), blurred(blurred(face))]
        pictures.insert(place_of_the_sharp_one, face)
        alone, together = report_of(analysis, face), report_of(analysis, *pictures)
        for side in EyeSide:
            assert np.array_equal(together.eyes[side].preview, alone.eyes[side].preview)

    def test_a_frame_without_a_face_adds_nothing(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        alone, together = report_of(analysis, face), report_of(analysis, face, noise())
        assert together.failures == ()
        for side in EyeSide:
            assert together.eyes[side].frames_seen == 1
            np.testing.assert_allclose(together.eyes[side].probabilities, alone.eyes[side].probabilities, atol=1e-5)

    def test_the_same_frames_give_the_same_report(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        first, second = (report_of(analysis, face, blurred(face)) for _ in range(2))
        for side in EyeSide:
            assert first.eyes[side].probabilities.tobytes() == second.eyes[side].probabilities.tobytes()

    @pytest.mark.parametrize("box", [Box(225, 85, 110, 120), Box(float("nan"), 0, -1, 1e308), Box(0, 0, 0, 0)])
    def test_a_hint_good_or_bad_does_no_harm(self, analysis: EyeAnalysis, face: RgbImage, box: Box) -> None:
        report = asyncio.run(analysis.analyse_frames([frame_of(face, box=box)]))
        assert report.eyes.keys() == set(EyeSide)

    @pytest.mark.parametrize("picture", [noise(), np.full((640, 640, 3), 128, np.uint8)], ids=["noise", "grey"])
    def test_without_a_face_no_eyes_are_detected(self, analysis: EyeAnalysis, picture: RgbImage) -> None:
        with pytest.raises(NoEyesDetected, match=r"^No valid eye images detected$"):
            report_of(analysis, picture, picture)

    def test_several_requests_at_once_are_answered_as_one_is(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        async def eight_requests() -> list[AnalysisReport]:
            return await asyncio.gather(*(analysis.analyse_frames(frames_of(*[face] * 3)) for _ in range(8)))

        alone = report_of(analysis, *[face] * 3)
        for report in asyncio.run(eight_requests()):
            for side in EyeSide:
                assert report.eyes[side].frames_seen == 3
                assert report.eyes[side].probabilities.tobytes() == alone.eyes[side].probabilities.tobytes()
                assert report.eyes[side].unfamiliarity == alone.eyes[side].unfamiliarity


class TestDoubts:
    """Real pictures made worse; which class the model then sees is its own affair."""

    @staticmethod
    def doubts(report: AnalysisReport) -> list[set[Reason]]:
        return [
            set(eye.reasons) & {Reason.BLURRY, Reason.TOO_DARK, Reason.TOO_BRIGHT, Reason.TOO_SMALL, Reason.EYE_CLOSED}
            for eye in report.eyes.values()
        ]

    def test_a_good_portrait_leaves_none(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        assert self.doubts(report_of(analysis, face)) == [set(), set()]

    def test_a_face_out_of_focus_is_blurry(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        out_of_focus = cv2.GaussianBlur(face, (0, 0), 4)
        assert self.doubts(report_of(analysis, out_of_focus)) == [{Reason.BLURRY}] * 2

    def test_one_frame_in_focus_is_enough(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        out_of_focus = cv2.GaussianBlur(face, (0, 0), 4)
        assert self.doubts(report_of(analysis, out_of_focus, face, out_of_focus)) == [set(), set()]

    def test_a_face_in_the_dark_is_too_dark(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        dark = (face * 0.08).astype(np.uint8)
        assert self.doubts(report_of(analysis, dark)) == [{Reason.TOO_DARK}] * 2

    def test_an_over_exposed_eye_is_too_bright(self, analysis: EyeAnalysis, eye_photo: RgbImage) -> None:
        glaring = (eye_photo * 4.0).clip(0, 255).astype(np.uint8)
        assert self.doubts(upload_of(analysis, glaring)) == [{Reason.TOO_BRIGHT}]

    def test_a_face_far_away_is_too_small_and_so_not_sharp(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        assert self.doubts(report_of(analysis, resize(face, 160, 160))) == [{Reason.BLURRY, Reason.TOO_SMALL}] * 2

    def test_eyes_less_open_than_the_threshold_are_closed(self, build_analysis: BuildAnalysis, face: RgbImage) -> None:
        strict = build_analysis(thresholds=replace(THRESHOLDS, min_eye_openness=0.6))
        assert self.doubts(report_of(strict, face)) == [{Reason.EYE_CLOSED}] * 2


NOT_PICTURES = [
    (b"this is text", NotAPicture),
    (encode_png(noise())[:3000], NotAPicture),
    (b"GIF89a" + bytes(20), UnsupportedPicture),
    (encode_png(np.zeros((1, 1, 3), np.uint8)), PictureTooSmall),
    (encode_png(np.zeros((2001, 2000, 3), np.uint8)), PictureTooLarge),
]
KINDS = ["text", "cut off", "GIF", "1x1", "too large"]


class TestBadFrames:
    @pytest.mark.parametrize(("data", "error"), NOT_PICTURES, ids=KINDS)
    def test_one_among_good_ones_is_reported_with_its_place(
        self, analysis: EyeAnalysis, face: RgbImage, data: bytes, error: type[Exception]
    ) -> None:
        frames = [frame_of(face, 0), Frame(1, data), frame_of(face, 2)]
        report = asyncio.run(analysis.analyse_frames(frames))
        assert {eye.frames_seen for eye in report.eyes.values()} == {2}
        assert [(failure.index, type(failure.error)) for failure in report.failures] == [(1, error)]

    def test_they_are_reported_in_their_order(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        frames = [Frame(0, b"*"), frame_of(face, 1), Frame(2, b"*"), Frame(4, b"*")]
        report = asyncio.run(analysis.analyse_frames(frames))
        assert [failure.index for failure in report.failures] == [0, 2, 4]

    @pytest.mark.parametrize("frames", [[], [Frame(1, b"this is text"), Frame(2, b"GIF89a")]], ids=["none", "two"])
    def test_if_none_can_be_read_there_are_no_eyes_but_reasons(
        self, analysis: EyeAnalysis, frames: list[Frame]
    ) -> None:
        report = asyncio.run(analysis.analyse_frames(frames))
        assert report.eyes == {}
        assert [failure.index for failure in report.failures] == [frame.index for frame in frames]

    def test_a_bad_frame_beside_one_without_a_face_is_no_eyes(self, analysis: EyeAnalysis) -> None:
        with pytest.raises(NoEyesDetected):
            asyncio.run(analysis.analyse_frames([frame_of(noise(), 0), Frame(1, b"*")]))


class TestGivingUp:
    """Nothing is computed for a request that will not be answered."""

    COUNT = 24

    @pytest.fixture
    def decoded(self, analysis: EyeAnalysis, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Which frames were begun."""
        begun: list[int] = []
        decode = analysis._decode

        def counted(frame: Frame, times: StageTimes) -> RgbImage:
            begun.append(frame.index)
            return decode(frame, times)

        monkeypatch.setattr(analysis, "_decode", counted)
        return begun

    def test_frames_of_a_request_that_is_given_up_are_not_begun(
        self, analysis: EyeAnalysis, face: RgbImage, decoded: list[int]
    ) -> None:
        async def scene() -> None:
            task = asyncio.create_task(analysis.analyse_frames(frames_of(*[face] * self.COUNT)))
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
    def test_one_eye_is_the_left_one_and_the_whole_picture_is_it(
        self, analysis: EyeAnalysis, eye_photo: RgbImage
    ) -> None:
        report = upload_of(analysis, eye_photo)
        assert report.eyes.keys() == {EyeSide.LEFT}
        eye = report.eyes[EyeSide.LEFT]
        assert eye.source is EyeSource.WHOLE_PICTURE
        assert np.array_equal(eye.preview, eye_photo)
        assert eye.overlay is not None
        assert eye.overlay.shape == eye_photo.shape

    def test_a_face_has_both_eyes(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        upload, predict = upload_of(analysis, face), report_of(analysis, face)
        assert upload.eyes.keys() == set(EyeSide)
        for side in EyeSide:
            assert upload.eyes[side].source is EyeSource.LANDMARKS
            assert np.array_equal(upload.eyes[side].preview, predict.eyes[side].preview)

    def test_what_only_may_be_eyes_does_not_split_a_close_up(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        strip = np.ascontiguousarray(face[95:150, 200:370])
        assert report_of(analysis, strip).eyes.keys() == set(EyeSide)
        uploaded = upload_of(analysis, strip).eyes
        assert uploaded.keys() == {EyeSide.LEFT}
        assert uploaded[EyeSide.LEFT].source is EyeSource.WHOLE_PICTURE

    @pytest.mark.parametrize(("width", "height"), [(1500, 1000), (800, 1700)])
    def test_a_large_preview_is_shrunk_to_512(
        self, analysis: EyeAnalysis, eye_photo: RgbImage, width: int, height: int
    ) -> None:
        eye = upload_of(analysis, resize(eye_photo, width, height)).eyes[EyeSide.LEFT]
        assert max(eye.preview.shape) == 512
        assert eye.preview.shape[1] / eye.preview.shape[0] == pytest.approx(width / height, rel=0.01)
        assert eye.overlay is not None
        assert eye.overlay.shape == eye.preview.shape

    @pytest.mark.parametrize("level", [0, 127, 255])
    def test_a_blank_picture_shows_no_eye(self, analysis: EyeAnalysis, level: int) -> None:
        with pytest.raises(NoEyesDetected):
            upload_of(analysis, np.full((400, 400, 3), level, np.uint8))

    def test_a_covered_lens_shows_no_eye(self, analysis: EyeAnalysis) -> None:
        grain = np.random.default_rng(0).normal(12, 1, (400, 400, 3))
        with pytest.raises(NoEyesDetected):
            upload_of(analysis, grain.clip(0, 255).astype(np.uint8))

    @pytest.mark.parametrize(("data", "error"), NOT_PICTURES, ids=KINDS)
    def test_what_is_no_picture_is_refused(self, analysis: EyeAnalysis, data: bytes, error: type[Exception]) -> None:
        with pytest.raises(error):
            asyncio.run(analysis.analyse_upload(Frame(0, data)))


class TestMerging:
    """What one picture cannot show: made-up predictions of made-up crops."""

    @staticmethod
    def crop(side: EyeSide, sharpness: float, level: int = 100) -> EyeCrop:
        picture = np.full((20, 30, 3), level, np.uint8)
        return EyeCrop(side, EyeSource.LANDMARKS, picture, picture, CropQuality(sharpness, 128, 100, 0.3))

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

    def test_a_flat_map_has_no_overlay(self, analysis: EyeAnalysis) -> None:
        report = merged(analysis, [self.crop(EyeSide.LEFT, 1)], [self.prediction([0.9, 0.1], [None, 3])])
        assert report[EyeSide.LEFT].overlay is None

    def test_eyes_are_not_mixed(self, analysis: EyeAnalysis) -> None:
        crops = [self.crop(EyeSide.LEFT, 0.1, 10), self.crop(EyeSide.RIGHT, 0.9, 20), self.crop(EyeSide.LEFT, 0.2, 30)]
        predictions = [self.prediction([share, 1 - share], [0, 0]) for share in (0.2, 0.9, 0.4)]
        report = merged(analysis, crops, predictions)
        assert report[EyeSide.LEFT].probabilities.tolist() == pytest.approx([0.3, 0.7])
        assert report[EyeSide.RIGHT].probabilities.tolist() == pytest.approx([0.9, 0.1])
        assert (report[EyeSide.LEFT].frames_seen, report[EyeSide.RIGHT].frames_seen) == (2, 1)
        assert (report[EyeSide.LEFT].preview[0, 0, 0], report[EyeSide.RIGHT].preview[0, 0, 0]) == (30, 20)

    def test_an_eye_that_was_never_seen_has_no_report(self, analysis: EyeAnalysis) -> None:
        report = merged(analysis, [self.crop(EyeSide.RIGHT, 1)], [self.prediction([1, 0], [0, 0])])
        assert report.keys() == {EyeSide.RIGHT}

    def test_the_confidence_is_the_best_mean_probability(self, analysis: EyeAnalysis) -> None:
        crops = [self.crop(EyeSide.LEFT, 1), self.crop(EyeSide.LEFT, 1)]
        predictions = [self.prediction([0.9, 0.1], [0, 0]), self.prediction([0.7, 0.3], [0, 0])]
        eye = merged(analysis, crops, predictions)[EyeSide.LEFT]
        assert eye.confidence == pytest.approx(0.8)
        assert eye.reasons == ()

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


class TestTimes:
    """Of the stages that a request reaches."""

    def test_frames_are_decoded_searched_classified_and_rendered(self, analysis: EyeAnalysis, face: RgbImage) -> None:
        times = StageTimes()
        asyncio.run(analysis.analyse_frames(frames_of(face, face), times=times))
        assert list(times.seconds()) == [Stage.DECODE, Stage.DETECT, Stage.INFER, Stage.RENDER]
        assert min(times.seconds().values()) > 0

    def test_so_is_an_upload(self, analysis: EyeAnalysis, eye_photo: RgbImage) -> None:
        times = StageTimes()
        asyncio.run(analysis.analyse_upload(frame_of(eye_photo), times))
        assert list(times.seconds()) == [Stage.DECODE, Stage.DETECT, Stage.INFER, Stage.RENDER]
        assert min(times.seconds().values()) > 0

    def test_a_picture_without_an_eye_is_searched_but_not_classified(self, analysis: EyeAnalysis) -> None:
        times = StageTimes()
        with pytest.raises(NoEyesDetected):
            asyncio.run(analysis.analyse_frames(frames_of(noise()), times=times))
        assert list(times.seconds()) == [Stage.DECODE, Stage.DETECT]

    def test_what_is_no_picture_is_only_decoded(self, analysis: EyeAnalysis) -> None:
        times = StageTimes()
        with pytest.raises(NotAPicture):
            asyncio.run(analysis.analyse_upload(Frame(0, b"no picture"), times))
        assert list(times.seconds()) == [Stage.DECODE]


def test_frames_and_eyes_are_saved_if_the_settings_say_so(
    build_analysis: BuildAnalysis, face: RgbImage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "TEMP_IMAGES_DIR": str(tmp_path / "frames"),
        "SAVED_EYES_DIR": str(tmp_path / "eyes"),
        "SAVE_TEMP_IMAGES": "true",
        "SAVE_EYES": "true",
    }.items():
        monkeypatch.setenv(name, value)
    store = ImageStore(load_settings(env_file=None))
    report_of(build_analysis(store=store), face, face)
    store.close()
    assert len(list((tmp_path / "frames").iterdir())) == 2
    assert len(list((tmp_path / "eyes").iterdir())) == 4


def test_by_default_nothing_is_saved(analysis: EyeAnalysis, face: RgbImage, tmp_path: Path) -> None:
    report_of(analysis, face)
    assert list(tmp_path.iterdir()) == []
