"""What answers look like, and the way from the core's types to them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from src.core.errors import EyeNetError
from src.core.notice import NOTICE
from src.core.types import AnalysisReport, EyeReport, EyeSide, ModelInfo, RgbImage
from src.utils.data_uri import encode_data_uri
from src.utils.image_codec import encode_png
from src.utils.percentage import percentage, percentages

_SHORT_HASH_DIGITS = 12


class EyeAnswer(BaseModel):
    """One eye. Scores and confidence are percentages; pictures are PNG data URIs."""

    average_scores: dict[str, float]
    best_prediction: str
    image_preview: str | None
    grad_cam_preview: str | None
    frames_seen: int
    found_by: str | None
    confidence: float | None
    inconclusive: bool | None
    reasons: list[str]
    unfamiliarity: float | None


class UnseenEyeAnswer(BaseModel):
    """An eye that was not seen in an upload."""

    best_prediction: Literal["Not Detected"] = "Not Detected"


class EyesAnswer(BaseModel):
    """Both eyes, left and right being the person's own."""

    left_eye: EyeAnswer
    right_eye: EyeAnswer


class ModelAnswer(BaseModel):
    """Which model answered.

    `hash` opens the SHA-256 of its file; `calibrated` says whether 90 % means right in about nine cases of ten;
    `precision` is that of its multiplications.
    """

    name: str
    hash: str
    calibrated: bool
    precision: str


class FrameErrorAnswer(BaseModel):
    """A frame that could not be used; `index` is its 0-based position."""

    index: int
    code: str
    error: str


class PredictAnswer(BaseModel):
    """Answer of `POST /predict`."""

    status_code: int
    body: EyesAnswer
    frame_errors: list[FrameErrorAnswer]
    model: ModelAnswer
    notice: str


class UploadAnswer(BaseModel):
    """Answer of `POST /upload`."""

    left_eye: EyeAnswer | UnseenEyeAnswer
    right_eye: EyeAnswer | UnseenEyeAnswer
    model: ModelAnswer
    notice: str


class ErrorBody(BaseModel):
    """`error` is a sentence for a person, `code` is stable."""

    error: str
    code: str


class ErrorAnswer(BaseModel):
    """Every answer that is not a success, on every route."""

    status_code: int
    body: ErrorBody
    message: str


class LegacyAnswer(BaseModel):
    """What LEGACY_ENVELOPE puts around every answer of `/predict` and `/upload`."""

    status_code: int
    body: str
    headers: dict[str, str]


class HealthModelAnswer(BaseModel):
    """The loaded model."""

    name: str
    sha256: str
    classes: list[str]
    grad_cam_layer: str
    device: str
    tensorflow: str
    calibrated: bool
    precision: str


class LiveAnswer(BaseModel):
    """Answer of `GET /live`."""

    status: int
    message: str


class HealthAnswer(BaseModel):
    """Answer of `GET /health`; `model` is null while it is being loaded."""

    status: int
    message: str
    version: str
    requests_in_flight: int
    model: HealthModelAnswer | None
    notice: str


def render_predict(report: AnalysisReport, model: ModelInfo) -> PredictAnswer:
    """Encodes pictures, so it belongs on a worker thread."""
    return PredictAnswer(
        status_code=200,
        body=EyesAnswer(
            left_eye=_eye(report.eyes.get(EyeSide.LEFT), model), right_eye=_eye(report.eyes.get(EyeSide.RIGHT), model)
        ),
        frame_errors=[
            FrameErrorAnswer(index=failure.index, code=failure.error.code, error=str(failure.error))
            for failure in report.failures
        ],
        model=_model(model),
        notice=NOTICE,
    )


def render_upload(report: AnalysisReport, model: ModelInfo) -> UploadAnswer:
    """Encodes pictures, so it belongs on a worker thread."""
    left, right = (
        _eye(report.eyes[side], model) if side in report.eyes else UnseenEyeAnswer()
        for side in (EyeSide.LEFT, EyeSide.RIGHT)
    )
    return UploadAnswer(left_eye=left, right_eye=right, model=_model(model), notice=NOTICE)


def render_error(error: EyeNetError) -> ErrorAnswer:
    """The one shape of every error."""
    sentence = str(error)
    return ErrorAnswer(status_code=error.status, body=ErrorBody(error=sentence, code=error.code), message=sentence)


def _png_data_uri(rgb: RgbImage) -> str:
    return encode_data_uri(encode_png(rgb), "image/png")


def _model(model: ModelInfo) -> ModelAnswer:
    return ModelAnswer(
        name=model.name,
        hash=model.sha256[:_SHORT_HASH_DIGITS],
        calibrated=model.calibrated,
        precision=model.precision,
    )


def _eye(report: EyeReport | None, model: ModelInfo) -> EyeAnswer:
    if report is None:
        # Clients iterate over the scores, so there are scores.
        return EyeAnswer(
            average_scores=dict.fromkeys(model.classes, 0.0),
            best_prediction="Not Detected",
            image_preview=None,
            grad_cam_preview=None,
            frames_seen=0,
            found_by=None,
            confidence=None,
            inconclusive=None,
            reasons=[],
            unfamiliarity=None,
        )
    return EyeAnswer(
        average_scores=percentages(report.probabilities, model.classes),
        best_prediction=model.classes[report.best_class],
        image_preview=_png_data_uri(report.preview),
        grad_cam_preview=None if report.overlay is None else _png_data_uri(report.overlay),
        frames_seen=report.frames_seen,
        found_by=report.source.value,
        confidence=percentage(report.confidence),
        inconclusive=report.inconclusive,
        reasons=[reason.value for reason in report.reasons],
        unfamiliarity=None if report.unfamiliarity is None else round(report.unfamiliarity, 3),
    )
