"""The way from what services say to an answer: models filled in, the sentence of an error, the outermost shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import orjson
from pydantic import BaseModel

from src.api.parameters import PreviewFormat
from src.api.schemas import (
    BoxAnswer,
    ErrorAnswer,
    ErrorBody,
    EyeAnswer,
    EyesAnswer,
    FrameErrorAnswer,
    LegacyAnswer,
    ModelAnswer,
    PredictAnswer,
    UnseenEyeAnswer,
    UploadAnswer,
)
from src.core.errors import EyeNetError, NotAPicture, NotBase64, PictureTooLarge, PictureTooSmall, UnsupportedPicture
from src.core.types import AnalysisReport, Box, EyeReport, EyeSide, ModelInfo, RgbImage
from src.core.wording import NOTICE, percentage, percentages
from src.utils.data_uri import encode_data_uri
from src.utils.image_codec import encode_jpeg, encode_webp
from src.utils.png_writer import encode_png

# What is wrong is the picture in the field `image`.
_ABOUT_A_PICTURE = (NotBase64, NotAPicture, UnsupportedPicture, PictureTooSmall, PictureTooLarge)
_JSON = {"Content-Type": "application/json"}
_QUALITY = 85
_ENCODERS: Mapping[PreviewFormat, Callable[[RgbImage], bytes]] = {
    PreviewFormat.PNG: encode_png,
    PreviewFormat.JPEG: lambda rgb: encode_jpeg(rgb, _QUALITY),
    PreviewFormat.WEBP: lambda rgb: encode_webp(rgb, _QUALITY),
}


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer, before its wrapper adds CORS and the request id."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Envelope(Protocol):
    """The outermost shape of an answer: plain HTTP, or what the first EyeNet frontend expects."""

    def __call__(self, status: int, model: BaseModel, headers: dict[str, str] | None = None) -> HttpAnswer: ...


def plain_envelope(status: int, model: BaseModel, headers: dict[str, str] | None = None) -> HttpAnswer:
    """The model as JSON under its own HTTP status."""
    # Pydantic writes long texts, which previews are, many times slower than orjson.
    return HttpAnswer(status, orjson.dumps(model.model_dump()), {**_JSON, **(headers or {})})


def legacy_envelope(status: int, model: BaseModel, headers: dict[str, str] | None = None) -> HttpAnswer:
    """HTTP 200 whatever happened; the real status and the body, as a string of JSON, are inside."""
    content = model.body if isinstance(model, PredictAnswer | ErrorAnswer) else model
    wrapped = LegacyAnswer(status_code=status, body=content.model_dump_json(), headers=_JSON)
    return plain_envelope(200, wrapped, headers)


def render_predict(
    report: AnalysisReport, model: ModelInfo, previews: PreviewFormat = PreviewFormat.PNG
) -> PredictAnswer:
    """Encodes pictures, so it belongs on a worker thread."""
    left, right = _left_and_right(report)
    return PredictAnswer(
        status_code=200,
        body=EyesAnswer(left_eye=_eye(left, model, previews), right_eye=_eye(right, model, previews)),
        frame_errors=[
            FrameErrorAnswer(
                index=failure.index, code=failure.error.code, error=sentence_of(failure.error, failure.index)
            )
            for failure in report.failures
        ],
        faces_seen=report.faces_seen,
        model=_model(model),
        notice=NOTICE,
    )


def render_upload(
    report: AnalysisReport, model: ModelInfo, previews: PreviewFormat = PreviewFormat.PNG, *, one_is_left: bool
) -> UploadAnswer:
    """Encodes pictures, so it belongs on a worker thread.

    With `one_is_left`, a single eye stands under `left_eye` whatever its side: the first frontend looks nowhere else.
    """
    left, right = _left_and_right(report)
    if one_is_left and left is None:
        left, right = right, None
    return UploadAnswer(
        left_eye=UnseenEyeAnswer() if left is None else _eye(left, model, previews),
        right_eye=UnseenEyeAnswer() if right is None else _eye(right, model, previews),
        faces_seen=report.faces_seen,
        model=_model(model),
        notice=NOTICE,
    )


def render_error(error: EyeNetError) -> ErrorAnswer:
    """The one shape of every error."""
    sentence = sentence_of(error, error.frame)
    return ErrorAnswer(status_code=error.status, body=ErrorBody(error=sentence, code=error.code), message=sentence)


def sentence_of(error: EyeNetError, frame: int | None = None) -> str:
    """What the error says, and where: "Frame 2: image: the picture is damaged or cut off"."""
    place = [] if frame is None else [f"Frame {frame + 1}"]
    if isinstance(error, _ABOUT_A_PICTURE):
        place.append("image")
    return ": ".join([*place, str(error)])


def _data_uri(rgb: RgbImage | None, previews: PreviewFormat) -> str | None:
    if rgb is None or previews is PreviewFormat.NONE:
        return None
    return encode_data_uri(_ENCODERS[previews](rgb), f"image/{previews.value}")


def _model(model: ModelInfo) -> ModelAnswer:
    return ModelAnswer(
        name=model.name,
        hash=model.short_hash,
        calibrated=model.calibrated,
        precision=model.precision,
    )


def _left_and_right(report: AnalysisReport) -> tuple[EyeReport | None, EyeReport | None]:
    """What stands under `left_eye` and `right_eye`. One eye of unknown side stands where the specification has it."""
    eyes = report.eyes
    return eyes.get(EyeSide.LEFT, eyes.get(EyeSide.UNKNOWN)), eyes.get(EyeSide.RIGHT)


def _eye(report: EyeReport | None, model: ModelInfo, previews: PreviewFormat) -> EyeAnswer:
    if report is None:
        # Clients iterate over the scores, so there are scores.
        return EyeAnswer(
            average_scores=dict.fromkeys(model.classes, 0.0),
            best_prediction="Not Detected",
            image_preview=None,
            grad_cam_preview=None,
            frames_seen=0,
            found_by=None,
            side=None,
            side_from=None,
            box=None,
            confidence=None,
            expected_precision=None,
            inconclusive=None,
            reasons=[],
            unfamiliarity=None,
        )
    return EyeAnswer(
        average_scores=percentages(report.probabilities, model.classes),
        best_prediction=model.classes[report.best_class],
        image_preview=_data_uri(report.preview, previews),
        grad_cam_preview=_data_uri(report.overlay, previews),
        frames_seen=report.frames_seen,
        found_by=report.source,
        side=report.side,
        side_from=report.side_from,
        box=_box(report.box),
        confidence=percentage(report.confidence),
        expected_precision=None if report.expected_precision is None else round(report.expected_precision, 3),
        inconclusive=report.inconclusive,
        reasons=list(report.reasons),
        unfamiliarity=None if report.unfamiliarity is None else round(report.unfamiliarity, 3),
    )


def _box(box: Box) -> BoxAnswer:
    return BoxAnswer(x=int(box.x), y=int(box.y), w=int(box.width), h=int(box.height))
