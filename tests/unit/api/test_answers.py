"""Answers have the shape of the contract, on both routes, for eyes seen and unseen, in either envelope."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from src.api.answers import legacy_envelope, plain_envelope, render_error, render_predict, render_upload
from src.api.parameters import PreviewFormat
from src.api.schemas import ErrorAnswer, EyeAnswer, PredictAnswer, UploadAnswer
from src.core.errors import Busy, EyeNetError, InvalidPayload, NoEyesDetected, NotAPicture, PictureTooLarge
from src.core.types import (
    AnalysisReport,
    Box,
    EyeReport,
    EyeSide,
    EyeSource,
    FrameFailure,
    Reason,
    RgbImage,
    SideSource,
)
from src.utils.data_uri import decode_data_uri
from src.utils.image_codec import decode_picture
from tests.unit.api.conftest import MODEL

CLASSES = MODEL.classes
PREVIEW = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
BOX = Box(100, 50, 60, 40)
OVERLAY = PREVIEW[::-1].copy()


def eye(
    side: EyeSide,
    probabilities: tuple[float, ...] = (0.1, 0.2, 0.65, 0.05),
    overlay: RgbImage | None = OVERLAY,
    source: EyeSource = EyeSource.LANDMARKS,
    reasons: tuple[Reason, ...] = (),
) -> EyeReport:
    values = np.array(probabilities, np.float32)
    best, confidence = int(values.argmax()), float(values.max())
    side_from = None if side is EyeSide.UNKNOWN else SideSource.FACE
    return EyeReport(side, values, best, 3, PREVIEW, overlay, source, confidence, reasons, BOX, side_from)


def report(*eyes: EyeReport) -> AnalysisReport:
    return AnalysisReport({eye.side: eye for eye in eyes}, ())


def predicted(*eyes: EyeReport) -> PredictAnswer:
    return render_predict(report(*eyes), MODEL)


def uploaded(*eyes: EyeReport, one_is_left: bool = False) -> UploadAnswer:
    return render_upload(report(*eyes), MODEL, one_is_left=one_is_left)


def picture_of(data_uri: str | None) -> RgbImage:
    assert data_uri is not None
    assert data_uri.startswith("data:image/png;base64,")
    return decode_picture(decode_data_uri(data_uri), 1_000_000)


@pytest.mark.parametrize(
    ("form", "most_wrong"), [(PreviewFormat.PNG, 0), (PreviewFormat.JPEG, 8), (PreviewFormat.WEBP, 8)]
)
def test_pictures_are_encoded_as_it_is_asked_for(form: PreviewFormat, most_wrong: float) -> None:
    smooth = np.repeat(np.linspace(0, 255, 60, dtype=np.uint8)[None, :, None], 40, axis=0).repeat(3, axis=2)
    seen = replace(eye(EyeSide.LEFT, overlay=smooth[::-1]), preview=smooth)
    answers = (
        render_upload(report(seen), MODEL, form, one_is_left=False),
        render_predict(report(seen), MODEL, form).body,
    )
    for answer in answers:
        assert isinstance(answer.left_eye, EyeAnswer)
        for uri, expected in (
            (answer.left_eye.image_preview, smooth),
            (answer.left_eye.grad_cam_preview, smooth[::-1]),
        ):
            assert uri is not None
            assert uri.startswith(f"data:image/{form.value};base64,")
            found = decode_picture(decode_data_uri(uri), 1_000_000)
            assert np.abs(found.astype(int) - expected).mean() <= most_wrong


def test_without_pictures_both_are_null_and_all_else_is_there() -> None:
    usual, plain = (
        render_predict(report(eye(EyeSide.LEFT)), MODEL, form).body.left_eye.model_dump()
        for form in (PreviewFormat.PNG, PreviewFormat.NONE)
    )
    assert plain == usual | {"image_preview": None, "grad_cam_preview": None}


class TestPredict:
    def test_an_eye_has_scores_in_percent_its_best_class_both_pictures_and_no_doubts(self) -> None:
        left = predicted(eye(EyeSide.LEFT)).body.left_eye
        assert left.average_scores == {"Cataract": 10, "Conjunctivitis": 20, "Healthy": 65, "Stye": 5}
        assert (left.best_prediction, left.frames_seen, left.found_by) == ("Healthy", 3, "landmarks")
        assert np.array_equal(picture_of(left.image_preview), PREVIEW)
        assert np.array_equal(picture_of(left.grad_cam_preview), OVERLAY)
        assert (left.confidence, left.inconclusive, left.reasons) == (65, False, [])

    def test_each_eye_stands_under_its_own_name(self) -> None:
        left, right = eye(EyeSide.LEFT, (1, 0, 0, 0)), eye(EyeSide.RIGHT, (0, 0, 0, 1))
        body = predicted(right, left).body
        assert (body.left_eye.best_prediction, body.right_eye.best_prediction) == ("Cataract", "Stye")

    def test_an_eye_says_which_it_is_and_where(self) -> None:
        body = predicted(eye(EyeSide.LEFT), eye(EyeSide.RIGHT)).body
        for answered, side in ((body.left_eye, "left"), (body.right_eye, "right")):
            assert (answered.side, answered.side_from) == (side, "face")
            assert answered.box is not None
            assert answered.box.model_dump() == {"x": 100, "y": 50, "w": 60, "h": 40}

    def test_one_of_unknown_side_stands_under_left_eye(self) -> None:
        body = predicted(eye(EyeSide.UNKNOWN)).body
        assert (body.left_eye.best_prediction, body.left_eye.side, body.left_eye.side_from) == (
            "Healthy",
            "unknown",
            None,
        )
        assert body.right_eye.best_prediction == "Not Detected"

    @pytest.mark.parametrize("faces", [0, 3])
    def test_it_says_how_many_faces_there_were(self, faces: int) -> None:
        seen = replace(report(eye(EyeSide.LEFT)), faces_seen=faces)
        assert render_predict(seen, MODEL).faces_seen == faces
        assert render_upload(seen, MODEL, one_is_left=False).faces_seen == faces

    def test_an_unseen_eye_has_scores_of_zero_and_no_pictures(self) -> None:
        unseen = predicted(eye(EyeSide.LEFT)).body.right_eye
        assert (unseen.side, unseen.side_from, unseen.box) == (None, None, None)
        assert (unseen.average_scores, unseen.best_prediction) == (dict.fromkeys(CLASSES, 0), "Not Detected")
        assert (unseen.image_preview, unseen.grad_cam_preview) == (None, None)
        assert (unseen.confidence, unseen.inconclusive, unseen.reasons) == (None, None, [])

    def test_an_eye_with_reasons_is_inconclusive_and_still_has_its_best_class(self) -> None:
        left = predicted(eye(EyeSide.LEFT, reasons=(Reason.LOW_CONFIDENCE, Reason.TOO_DARK))).body.left_eye
        assert (left.inconclusive, left.reasons) == (True, ["low_confidence", "too_dark"])
        assert left.best_prediction == "Healthy"

    def test_a_flat_map_is_null(self) -> None:
        left = predicted(eye(EyeSide.LEFT, overlay=None)).body.left_eye
        assert left.grad_cam_preview is None
        assert left.image_preview is not None

    def test_frames_that_could_not_be_used_are_listed(self) -> None:
        failures = (FrameFailure(1, NotAPicture("it is damaged")), FrameFailure(3, InvalidPayload("image is empty.")))
        answer = render_predict(replace(report(eye(EyeSide.LEFT)), failures=failures), MODEL)
        assert [error.model_dump() for error in answer.frame_errors] == [
            {"index": 1, "code": "not_a_picture", "error": "Frame 2: image: it is damaged"},
            {"index": 3, "code": "invalid_payload", "error": "Frame 4: image is empty."},
        ]

    @pytest.mark.parametrize("calibrated", [True, False])
    def test_it_says_200_which_model_answered_and_what_it_is_not(self, calibrated: bool) -> None:
        model = replace(MODEL, calibrated=calibrated)
        answer = render_predict(report(eye(EyeSide.LEFT)), model)
        assert (answer.status_code, answer.model.name, answer.model.calibrated) == (200, "EyeNet", calibrated)
        assert len(answer.model.hash) >= 8
        assert MODEL.sha256.startswith(answer.model.hash)
        assert "not a medical device" in answer.notice
        upload = render_upload(report(eye(EyeSide.LEFT)), model, one_is_left=False)
        assert (upload.model, upload.notice) == (answer.model, answer.notice)


class TestUpload:
    def test_the_eye_is_the_left_one_and_the_other_was_not_detected(self) -> None:
        doubtful = eye(EyeSide.LEFT, source=EyeSource.WHOLE_PICTURE, reasons=(Reason.NOT_AN_EYE,))
        answer = uploaded(doubtful).model_dump()
        left = answer["left_eye"]
        assert (left["best_prediction"], left["found_by"], left["confidence"]) == ("Healthy", "whole_picture", 65)
        assert (left["inconclusive"], left["reasons"]) == (True, ["not_an_eye"])
        assert answer["right_eye"] == {"best_prediction": "Not Detected"}
        # The eyes are not wrapped in a body.
        assert not {"status_code", "body"} & answer.keys()

    @pytest.mark.parametrize(("measured", "shown"), [(None, None), (1.23456, 1.235)])
    def test_an_eye_says_how_unfamiliar_it_is(self, measured: float | None, shown: float | None) -> None:
        strange = replace(eye(EyeSide.LEFT), unfamiliarity=measured)
        assert uploaded(strange).model_dump()["left_eye"]["unfamiliarity"] == shown

    def test_a_face_has_both_eyes_and_a_right_eye_alone_is_the_right_eye(self) -> None:
        right = eye(EyeSide.RIGHT, (0, 0, 0, 1))
        both = uploaded(eye(EyeSide.LEFT, (1, 0, 0, 0)), right)
        assert (both.left_eye.best_prediction, both.right_eye.best_prediction) == ("Cataract", "Stye")
        alone = uploaded(right)
        assert (alone.left_eye.best_prediction, alone.right_eye.best_prediction) == ("Not Detected", "Stye")

    def test_for_the_first_frontend_one_eye_stands_under_left_eye_whichever_it_is(self) -> None:
        for side in EyeSide:
            answer = uploaded(eye(side), one_is_left=True).model_dump()
            assert answer["left_eye"]["side"] == side.value
            assert answer["right_eye"] == {"best_prediction": "Not Detected"}
        both = uploaded(eye(EyeSide.RIGHT), eye(EyeSide.LEFT), one_is_left=True).model_dump()
        assert (both["left_eye"]["side"], both["right_eye"]["side"]) == ("left", "right")


class TestScores:
    def test_they_sum_to_a_hundred_within_rounding(self) -> None:
        dice = np.random.default_rng(0)
        for probabilities in dice.dirichlet([0.3] * 4, 500):
            scores = predicted(eye(EyeSide.LEFT, tuple(probabilities))).body.left_eye.average_scores
            assert sum(scores.values()) == pytest.approx(100, abs=0.0201)

    def test_they_have_two_decimals_and_the_order_of_the_classes_and_the_best_is_the_confidence(self) -> None:
        left = predicted(eye(EyeSide.LEFT, (1 / 3, 1 / 3 + 1e-3, 1 / 6, 1 / 6))).body.left_eye
        assert list(left.average_scores.items()) == list(zip(CLASSES, [33.33, 33.43, 16.67, 16.67], strict=True))
        assert left.confidence == 33.43


class TestErrors:
    @pytest.mark.parametrize(
        ("error", "status", "code", "sentence"),
        [
            (NoEyesDetected(), 400, "no_eyes_detected", "No valid eye images detected"),
            (NotAPicture("it is damaged"), 400, "not_a_picture", "image: it is damaged"),
            (PictureTooLarge("it is huge").in_frame(2), 413, "picture_too_large", "Frame 3: image: it is huge"),
            (InvalidPayload("image is missing.").in_frame(0), 400, "invalid_payload", "Frame 1: image is missing."),
        ],
    )
    def test_every_one_has_the_same_shape_and_says_where(
        self, error: EyeNetError, status: int, code: str, sentence: str
    ) -> None:
        expected = {"status_code": status, "body": {"error": sentence, "code": code}, "message": sentence}
        assert render_error(error).model_dump() == expected


@pytest.fixture
def predict_answer() -> PredictAnswer:
    return predicted(eye(EyeSide.LEFT, overlay=None), eye(EyeSide.RIGHT, overlay=None))


@pytest.fixture
def upload_answer() -> UploadAnswer:
    return uploaded(eye(EyeSide.LEFT))


@pytest.fixture
def error_answer() -> ErrorAnswer:
    return render_error(NoEyesDetected())


class TestPlainEnvelope:
    def test_the_answer_is_the_json_under_its_own_status(self, error_answer: ErrorAnswer) -> None:
        answer = plain_envelope(400, error_answer)
        assert answer.status == 400
        assert answer.headers == {"Content-Type": "application/json"}
        assert json.loads(answer.body) == error_answer.model_dump()

    def test_nulls_are_written(self, predict_answer: PredictAnswer) -> None:
        assert json.loads(plain_envelope(200, predict_answer).body)["body"]["left_eye"]["grad_cam_preview"] is None

    def test_headers_are_kept(self, error_answer: ErrorAnswer) -> None:
        answer = plain_envelope(503, error_answer, Busy().headers)
        assert answer.headers.keys() == {"Content-Type", "Retry-After"}


class TestLegacyEnvelope:
    def test_predict_has_its_eyes_as_a_string_of_json(self, predict_answer: PredictAnswer) -> None:
        answer = legacy_envelope(200, predict_answer)
        content = json.loads(answer.body)
        assert answer.status == 200
        assert content.keys() == {"status_code", "body", "headers"}
        assert content["status_code"] == 200
        assert content["headers"] == {"Content-Type": "application/json"}
        assert isinstance(content["body"], str)
        eyes = json.loads(content["body"])
        assert eyes == predict_answer.body.model_dump(mode="json")

    def test_upload_has_its_eyes_as_a_string_of_json(self, upload_answer: UploadAnswer) -> None:
        content = json.loads(legacy_envelope(200, upload_answer).body)
        eyes = json.loads(content["body"])
        assert eyes["left_eye"] == upload_answer.left_eye.model_dump(mode="json")
        assert eyes["right_eye"] == {"best_prediction": "Not Detected"}

    def test_an_error_is_http_200_with_its_real_status_inside(self, error_answer: ErrorAnswer) -> None:
        answer = legacy_envelope(400, error_answer)
        content = json.loads(answer.body)
        assert answer.status == 200
        assert content["status_code"] == 400
        assert json.loads(content["body"]) == {"error": "No valid eye images detected", "code": "no_eyes_detected"}

    def test_headers_are_kept(self, error_answer: ErrorAnswer) -> None:
        assert "Retry-After" in legacy_envelope(503, error_answer, Busy().headers).headers
