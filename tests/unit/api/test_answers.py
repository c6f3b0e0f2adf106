"""Answers have the shape of the contract, on both routes, for eyes seen and unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from src.api.answers import render_error, render_predict, render_upload
from src.core.errors import EyeNetError, NoEyesDetected, NotAPicture, PictureTooLarge
from src.core.types import AnalysisReport, EyeReport, EyeSide, EyeSource, FrameFailure, ModelInfo, Reason, RgbImage
from src.utils.data_uri import decode_data_uri
from src.utils.image_codec import decode_picture

CLASSES = ("Cataract", "Conjunctivitis", "Healthy", "Stye")
MODEL = ModelInfo(
    "EyeNet", "0123456789abcdef" * 4, CLASSES, "multiply_1", "CPU", "2.14.1", calibrated=True, precision="float32"
)
PREVIEW = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
OVERLAY = PREVIEW[::-1].copy()


def eye(
    side: EyeSide,
    probabilities: tuple[float, ...] = (0.1, 0.2, 0.65, 0.05),
    overlay: RgbImage | None = OVERLAY,
    source: EyeSource = EyeSource.LANDMARKS,
    reasons: tuple[Reason, ...] = (),
) -> EyeReport:
    values = np.array(probabilities, np.float32)
    return EyeReport(side, values, int(values.argmax()), 3, PREVIEW, overlay, source, float(values.max()), reasons)


def report(*eyes: EyeReport, failures: tuple[FrameFailure, ...] = ()) -> AnalysisReport:
    return AnalysisReport({eye.side: eye for eye in eyes}, failures)


def picture_of(data_uri: str | None) -> RgbImage:
    assert data_uri is not None
    assert data_uri.startswith("data:image/png;base64,")
    return decode_picture(decode_data_uri(data_uri), 1_000_000)


class TestPredict:
    def test_an_eye_has_scores_in_percent_its_best_class_and_both_pictures(self) -> None:
        answer = render_predict(report(eye(EyeSide.LEFT)), MODEL)
        left = answer.body.left_eye
        assert left.average_scores == {"Cataract": 10, "Conjunctivitis": 20, "Healthy": 65, "Stye": 5}
        assert left.best_prediction == "Healthy"
        assert np.array_equal(picture_of(left.image_preview), PREVIEW)
        assert np.array_equal(picture_of(left.grad_cam_preview), OVERLAY)
        assert (left.frames_seen, left.found_by) == (3, "landmarks")

    def test_each_eye_stands_under_its_own_name(self) -> None:
        left, right = eye(EyeSide.LEFT, (1, 0, 0, 0)), eye(EyeSide.RIGHT, (0, 0, 0, 1))
        body = render_predict(report(right, left), MODEL).body
        assert (body.left_eye.best_prediction, body.right_eye.best_prediction) == ("Cataract", "Stye")

    def test_an_unseen_eye_has_scores_of_zero_and_no_pictures(self) -> None:
        unseen = render_predict(report(eye(EyeSide.LEFT)), MODEL).body.right_eye
        assert unseen.average_scores == dict.fromkeys(CLASSES, 0)
        assert unseen.best_prediction == "Not Detected"
        assert (unseen.image_preview, unseen.grad_cam_preview) == (None, None)
        assert (unseen.confidence, unseen.inconclusive, unseen.reasons) == (None, None, [])

    def test_an_eye_without_reasons_is_conclusive(self) -> None:
        left = render_predict(report(eye(EyeSide.LEFT)), MODEL).body.left_eye
        assert (left.confidence, left.inconclusive, left.reasons) == (65, False, [])

    def test_an_eye_with_reasons_is_inconclusive_and_still_has_its_best_class(self) -> None:
        doubtful = eye(EyeSide.LEFT, reasons=(Reason.LOW_CONFIDENCE, Reason.TOO_DARK))
        left = render_predict(report(doubtful), MODEL).body.left_eye
        assert (left.inconclusive, left.reasons) == (True, ["low_confidence", "too_dark"])
        assert left.best_prediction == "Healthy"

    def test_the_confidence_is_the_best_score(self) -> None:
        left = render_predict(report(eye(EyeSide.LEFT, (1 / 3, 1 / 3 + 1e-3, 1 / 6, 1 / 6))), MODEL).body.left_eye
        assert left.confidence == left.average_scores["Conjunctivitis"] == 33.43

    def test_a_flat_map_is_null(self) -> None:
        left = render_predict(report(eye(EyeSide.LEFT, overlay=None)), MODEL).body.left_eye
        assert left.grad_cam_preview is None
        assert left.image_preview is not None

    def test_frames_that_could_not_be_used_are_listed(self) -> None:
        failures = (FrameFailure(1, NotAPicture("Frame 2: image: the picture is damaged")),)
        answer = render_predict(report(eye(EyeSide.LEFT), failures=failures), MODEL)
        assert [error.model_dump() for error in answer.frame_errors] == [
            {"index": 1, "code": "not_a_picture", "error": "Frame 2: image: the picture is damaged"}
        ]

    def test_it_says_200_and_which_model_answered(self) -> None:
        answer = render_predict(report(eye(EyeSide.LEFT)), MODEL)
        assert answer.status_code == 200
        assert answer.model.name == "EyeNet"
        assert MODEL.sha256.startswith(answer.model.hash)
        assert len(answer.model.hash) >= 8

    @pytest.mark.parametrize("calibrated", [True, False])
    def test_it_says_whether_scores_are_calibrated(self, calibrated: bool) -> None:
        model = replace(MODEL, calibrated=calibrated)
        assert render_predict(report(eye(EyeSide.LEFT)), model).model.calibrated is calibrated
        assert render_upload(report(eye(EyeSide.LEFT)), model).model.calibrated is calibrated

    def test_it_says_that_it_is_no_medical_device(self) -> None:
        assert "not a medical device" in render_predict(report(eye(EyeSide.LEFT)), MODEL).notice


class TestUpload:
    def test_the_eye_is_the_left_one_and_the_other_was_not_detected(self) -> None:
        answer = render_upload(report(eye(EyeSide.LEFT, source=EyeSource.WHOLE_PICTURE)), MODEL).model_dump()
        assert answer["left_eye"]["best_prediction"] == "Healthy"
        assert answer["left_eye"]["found_by"] == "whole_picture"
        assert answer["right_eye"] == {"best_prediction": "Not Detected"}

    def test_an_eye_says_why_it_is_not_sure(self) -> None:
        answer = render_upload(report(eye(EyeSide.LEFT, reasons=(Reason.NOT_AN_EYE,))), MODEL).model_dump()
        assert answer["left_eye"]["inconclusive"] is True
        assert answer["left_eye"]["reasons"] == ["not_an_eye"]
        assert answer["left_eye"]["confidence"] == 65

    @pytest.mark.parametrize(("measured", "shown"), [(None, None), (1.23456, 1.235)])
    def test_an_eye_says_how_unfamiliar_it_is(self, measured: float | None, shown: float | None) -> None:
        strange = replace(eye(EyeSide.LEFT), unfamiliarity=measured)
        assert render_upload(report(strange), MODEL).model_dump()["left_eye"]["unfamiliarity"] == shown

    def test_a_face_has_both_eyes(self) -> None:
        both = report(eye(EyeSide.LEFT, (1, 0, 0, 0)), eye(EyeSide.RIGHT, (0, 0, 0, 1)))
        answer = render_upload(both, MODEL)
        assert (answer.left_eye.best_prediction, answer.right_eye.best_prediction) == ("Cataract", "Stye")

    def test_a_right_eye_alone_is_the_right_eye(self) -> None:
        answer = render_upload(report(eye(EyeSide.RIGHT)), MODEL).model_dump()
        assert answer["left_eye"] == {"best_prediction": "Not Detected"}
        assert answer["right_eye"]["best_prediction"] == "Healthy"

    def test_the_eyes_are_not_wrapped_in_a_body(self) -> None:
        answer = render_upload(report(eye(EyeSide.LEFT)), MODEL).model_dump()
        assert not {"status_code", "body"} & answer.keys()


class TestScores:
    def test_they_sum_to_a_hundred_within_rounding(self) -> None:
        dice = np.random.default_rng(0)
        for probabilities in dice.dirichlet([0.3] * 4, 500):
            scores = render_predict(report(eye(EyeSide.LEFT, tuple(probabilities))), MODEL).body.left_eye.average_scores
            assert sum(scores.values()) == pytest.approx(100, abs=0.0201)

    def test_they_have_two_decimals(self) -> None:
        left = render_predict(report(eye(EyeSide.LEFT, (1 / 3, 1 / 3, 1 / 6, 1 / 6))), MODEL).body.left_eye
        assert list(left.average_scores.values()) == [33.33, 33.33, 16.67, 16.67]

    def test_the_classes_keep_their_order(self) -> None:
        left = render_predict(report(eye(EyeSide.LEFT)), MODEL).body.left_eye
        assert tuple(left.average_scores) == CLASSES


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoEyesDetected(), 400, "no_eyes_detected"),
        (NotAPicture("image: the picture is damaged"), 400, "not_a_picture"),
        (PictureTooLarge("image: the picture is too large"), 413, "picture_too_large"),
    ],
)
def test_every_error_has_the_one_shape(error: EyeNetError, status: int, code: str) -> None:
    assert render_error(error).model_dump() == {
        "status_code": status,
        "body": {"error": str(error), "code": code},
        "message": str(error),
    }
