"""What answers look like: the models of their JSON, whose field texts are what the OpenAPI document says of them."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from src.core.types import EyeSide, EyeSource, Reason, SideSource

# Bounds that are told in the OpenAPI document, and not checked on the way out: what the service computed is answered.
Percentage: TypeAlias = Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": 100})]
Count: TypeAlias = Annotated[int, Field(json_schema_extra={"minimum": 0})]
FacesSeen: TypeAlias = Annotated[
    Count,
    Field(
        description="The most whole faces seen in one frame. The search ends with the largest, whose eyes are "
        "answered: there may be more. 0: eyes were found without a face."
    ),
]
PictureDataUri: TypeAlias = Annotated[
    str, Field(json_schema_extra={"pattern": "^data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}$"})
]


class _Answer(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)


class BoxAnswer(_Answer):
    """Where an eye is, with some skin around it: in pixels of the picture as it was sent, turned as its EXIF says."""

    x: Count
    """Of the corner at the top left, from the picture's left edge."""
    y: Count
    """Of the same corner, from the picture's top edge."""
    w: Annotated[int, Field(json_schema_extra={"minimum": 1})]
    """Its width."""
    h: Annotated[int, Field(json_schema_extra={"minimum": 1})]
    """Its height."""


class EyeAnswer(_Answer):
    """One eye. Scores and confidence are percentages; pictures are data URIs of PNG, or of what `previews`
    asks for.
    """

    average_scores: dict[str, Percentage]
    """Per class, in percent: the mean over the frames in which this eye was seen. All zero if it was not seen."""
    best_prediction: str
    """The class with the highest of the scores, or `Not Detected`."""
    image_preview: PictureDataUri | None
    """The eye in the sharpest of those frames, longest side at most 512 px. Null if it was not seen, or
    nobody wants pictures."""
    grad_cam_preview: PictureDataUri | None
    """The same crop, same size, with the heatmap of `best_prediction` laid over it. Null where the map is flat, or
    nobody wants pictures."""
    frames_seen: Count
    """In how many frames this eye was seen."""
    found_by: EyeSource | None
    """How, see `EyeSource`; in the sharpest of those frames. Null if it was not seen."""
    side: EyeSide | None
    """Which eye of the person it is: `left`, `right`, or `unknown` where the picture does not show it and nobody said
    so. Null if it was not seen."""
    side_from: SideSource | None
    """From what its side is known, see `SideSource`; null where it is not."""
    box: BoxAnswer | None
    """Where it is in the sharpest of those frames. Null if it was not seen."""
    confidence: Percentage | None
    """The score of `best_prediction`, in percent; calibrated where `model.calibrated` says so."""
    expected_precision: Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": 1})] | None
    """How often (0 to 1) an answer of this class at this confidence was right on pictures held back in training, at
    PREVALENCE. Null where the pictures were too few to tell, or the model's card does not."""
    inconclusive: bool | None
    """True where there is any reason not to rely on the answer. `best_prediction` still says what is most likely."""
    reasons: list[Reason]
    """Why it is inconclusive; empty where nothing speaks against the answer."""
    unfamiliarity: Annotated[float, Field(json_schema_extra={"minimum": 0})] | None
    """How unlike the training pictures the eye is: 1 is as unlike as 1 in 40 healthy eyes that the model did not know.
    Null without statistics beside the model."""


class UnseenEyeAnswer(_Answer):
    """An eye that was not seen in an upload."""

    best_prediction: Literal["Not Detected"] = "Not Detected"
    """Nothing else is known of it."""


class EyesAnswer(_Answer):
    """Both eyes, left and right being the person's own."""

    left_eye: EyeAnswer
    """The person's left eye; or the only one, if its side is not known: its `side` says so."""
    right_eye: EyeAnswer
    """The person's right eye."""


class ModelAnswer(_Answer):
    """Which model answered."""

    name: str
    """As MODEL_NAME says."""
    hash: str
    """First digits of the SHA-256 of its file."""
    calibrated: bool
    """Whether a score of 90 % means right in about nine cases of ten, over all classes together; not in each class."""
    precision: str
    """Of the network's multiplications: float32, bfloat16 or tensorfloat32."""


class FrameErrorAnswer(_Answer):
    """A frame that could not be used."""

    index: Count
    """Its position in the request, counted from 0."""
    code: str
    """Stable, as in an error of the whole request."""
    error: str
    """A sentence for a person."""


class PredictAnswer(_Answer):
    """Answer of `POST /predict`."""

    status_code: Literal[200]
    """The HTTP status once more."""
    body: EyesAnswer
    """The eyes."""
    frame_errors: list[FrameErrorAnswer]
    """Frames that could not be read; the others are answered all the same."""
    faces_seen: FacesSeen
    model: ModelAnswer
    """The model that answered."""
    notice: str
    """To be shown with the answer."""


class UploadAnswer(_Answer):
    """Answer of `POST /upload`."""

    left_eye: EyeAnswer | UnseenEyeAnswer
    """The person's left eye; or the only one, if its side is not known: its `side` says so."""
    right_eye: EyeAnswer | UnseenEyeAnswer
    """The person's right eye."""
    faces_seen: FacesSeen
    model: ModelAnswer
    """The model that answered."""
    notice: str
    """To be shown with the answer."""


class ErrorBody(_Answer):
    """What went wrong."""

    error: str
    """A sentence for a person: it names the field, never echoes the input, and may be worded anew at any time."""
    code: str
    """Stable: for programs."""


class ErrorAnswer(_Answer):
    """Every answer that is not a success, on every route."""

    status_code: int
    """The HTTP status once more."""
    body: ErrorBody
    """The sentence and its code."""
    message: str
    """The sentence of `body.error` once more."""


class LegacyAnswer(_Answer):
    """What LEGACY_ENVELOPE puts around every answer of `/predict` and `/upload`."""

    status_code: int
    """What would be the HTTP status without the envelope."""
    body: str
    """The eyes, or the error's `{error, code}`, as a string of JSON."""
    headers: dict[str, str]
    """Always `{"Content-Type": "application/json"}`."""


class HealthModelAnswer(_Answer):
    """The loaded model."""

    name: str
    """As MODEL_NAME says."""
    sha256: str
    """Of its file, hexadecimal."""
    classes: list[str]
    """In the order of its outputs."""
    grad_cam_layer: str
    """The layer that heatmaps are computed from."""
    device: str
    """What it runs on: `CPU`, or `GPU: ` and a name."""
    tensorflow: str
    """Version of TensorFlow."""
    calibrated: bool
    """Whether a score of 90 % means right in about nine cases of ten, over all classes together; not in each class."""
    precision: str
    """Of the network's multiplications: float32, bfloat16 or tensorfloat32."""


class LiveAnswer(_Answer):
    """Answer of `GET /live`."""

    status: Literal[200, 503]
    """The HTTP status once more: 503 when the process cannot go on."""
    message: Literal["Alive", "Failing"]
    """For people."""


class State(str, Enum):
    STARTING = "Starting"
    HEALTHY = "Healthy"
    FAILING = "Failing"
    DRAINING = "Draining"


class HealthAnswer(_Answer):
    """Answer of `GET /health`."""

    status: Literal[200, 503]
    """The HTTP status once more: 200 when requests are taken."""
    message: State
    """`Healthy` when requests are taken, `Starting` before, `Draining` after; `Failing`: a part is dead or hangs."""
    version: str
    """Of the service."""
    requests_in_flight: Count
    """Requests worked on or waiting."""
    model: HealthModelAnswer | None
    """The loaded model; null while it is being loaded."""
    notice: str
    """What the service is not."""
