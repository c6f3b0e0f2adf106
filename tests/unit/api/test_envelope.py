"""The same answer as plain HTTP and as the first EyeNet frontend expects it."""

from __future__ import annotations

import json

import pytest

from src.api.answers import (
    ErrorAnswer,
    EyeAnswer,
    EyesAnswer,
    ModelAnswer,
    PredictAnswer,
    UnseenEyeAnswer,
    UploadAnswer,
    render_error,
)
from src.api.envelope import legacy_envelope, plain_envelope
from src.core.errors import Busy, NoEyesDetected

EYE = EyeAnswer(
    average_scores={"Healthy": 60, "Stye": 40},
    best_prediction="Healthy",
    image_preview="data:image/png;base64,AAAA",
    grad_cam_preview=None,
    frames_seen=1,
    found_by="landmarks",
    confidence=60,
    inconclusive=False,
    reasons=[],
    unfamiliarity=None,
)
MODEL = ModelAnswer(name="EyeNet", hash="0123456789ab", calibrated=True, precision="float32")


@pytest.fixture
def predict_answer() -> PredictAnswer:
    eyes = EyesAnswer(left_eye=EYE, right_eye=EYE)
    return PredictAnswer(status_code=200, body=eyes, frame_errors=[], model=MODEL, notice="A notice.")


@pytest.fixture
def upload_answer() -> UploadAnswer:
    return UploadAnswer(left_eye=EYE, right_eye=UnseenEyeAnswer(), model=MODEL, notice="A notice.")


@pytest.fixture
def error_answer() -> ErrorAnswer:
    return render_error(NoEyesDetected())


class TestPlain:
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


class TestLegacy:
    def test_predict_has_its_eyes_as_a_string_of_json(self, predict_answer: PredictAnswer) -> None:
        answer = legacy_envelope(200, predict_answer)
        content = json.loads(answer.body)
        assert answer.status == 200
        assert content.keys() == {"status_code", "body", "headers"}
        assert content["status_code"] == 200
        assert content["headers"] == {"Content-Type": "application/json"}
        assert isinstance(content["body"], str)
        eyes = json.loads(content["body"])
        assert eyes["left_eye"] == eyes["right_eye"] == EYE.model_dump()

    def test_upload_has_its_eyes_as_a_string_of_json(self, upload_answer: UploadAnswer) -> None:
        content = json.loads(legacy_envelope(200, upload_answer).body)
        eyes = json.loads(content["body"])
        assert eyes["left_eye"] == EYE.model_dump()
        assert eyes["right_eye"] == {"best_prediction": "Not Detected"}

    def test_an_error_is_http_200_with_its_real_status_inside(self, error_answer: ErrorAnswer) -> None:
        answer = legacy_envelope(400, error_answer)
        content = json.loads(answer.body)
        assert answer.status == 200
        assert content["status_code"] == 400
        assert json.loads(content["body"]) == {"error": "No valid eye images detected", "code": "no_eyes_detected"}

    def test_headers_are_kept(self, error_answer: ErrorAnswer) -> None:
        assert "Retry-After" in legacy_envelope(503, error_answer, Busy().headers).headers
