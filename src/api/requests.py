"""What requests look like, and the way from a body to the core's types."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from src.api.bodies import SentForm, SentPicture
from src.api.parameters import Told
from src.core.errors import (
    InvalidJson,
    InvalidPayload,
    NotBase64,
    TooManyFrames,
)
from src.core.types import Box, EyeSide, Frame, FrameFailure
from src.utils.data_uri import decode_data_uri
from src.utils.picture_header import OPENING_BYTES, begins_like_a_picture

# An empty array takes three bytes of a body and ninety of memory: 48 MiB of them would be 1.4 GiB. Whoever sends 32
# frames with all landmarks of a face mesh beside each has 61,000.
MOST_VALUES = 200_000
BODY = "The body"
"""How an upload's sentences begin, which have no frame to name."""


class _Request(BaseModel):
    # Strict: "0.9" is not a number. Unknown keys are ignored, so clients may send what they like beside ours.
    # The texts under the fields are what the OpenAPI document says of them.
    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def _or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """A hint that cannot be used is no hint, and no reason to refuse the picture."""
    try:
        return validate(value)
    except ValidationError:
        return None


class BoxRequest(_Request):
    """Where the browser saw the face, in pixels of the sent picture. A hint: looked at first, never trusted."""

    x: float
    """Of its corner or its centre, whichever the browser says."""
    y: float
    """Of its corner or its centre, whichever the browser says."""
    w: float
    """Its width."""
    h: float
    """Its height."""


class _PictureRequest(_Request):
    image: Annotated[str, Field(min_length=1)]
    """A data URI (`data:image/png;base64,...`) or bare base64 of PNG, JPEG, WebP or BMP, turned as its EXIF says."""


class PictureRequest(_PictureRequest):
    """Body of `POST /upload`."""

    eye: Literal["left", "right"] | None = None
    """Which eye of the person the picture shows, if it shows one; null or left out if nobody knows."""
    mirrored: bool | None = None
    """Whether the picture is mirrored; null or left out: as the service's settings say."""


class FrameRequest(_PictureRequest):
    """One element of the body of `POST /predict`."""

    score: Annotated[float | None, WrapValidator(_or_none)] = None
    """The browser's confidence that this is a face; not used to judge the eye."""
    blur: Annotated[float | None, WrapValidator(_or_none)] = None
    """The browser's blur measure; not used, the service measures sharpness itself."""
    box: Annotated[BoxRequest | None, WrapValidator(_or_none)] = None
    """Where the browser saw the face; null or left out if it did not look."""


_AnyRequest = TypeVar("_AnyRequest", bound=_Request)


def parse_frames(body: str | bytes, max_frames: int) -> tuple[list[Frame], list[FrameFailure]]:
    """The frames of a `/predict` body, and those that are not frames.

    Raises:
        InvalidJson: not JSON.
        InvalidPayload: not a list, an empty list.
        TooManyFrames: more than `max_frames`.
    """
    payload = _parse_json(body)
    if not isinstance(payload, list):
        raise InvalidPayload("The body must be a JSON array of frames: [{image, score, blur, box}, ...].")
    if not payload:
        raise InvalidPayload("The array of frames is empty; send one frame or more.")
    if len(payload) > max_frames:
        raise TooManyFrames(f"The request has {len(payload)} frames; {max_frames} are allowed.")
    frames: list[Frame] = []
    failures: list[FrameFailure] = []
    for index, item in enumerate(payload):
        frame = _frame_or_failure(index, item)
        if isinstance(frame, Frame):
            frames.append(frame)
        else:
            failures.append(frame)
    return frames, failures


def parse_upload(body: str | bytes | SentPicture | SentForm) -> tuple[Frame, Told]:
    """The picture of an `/upload` body, and what is said of it there.

    Raises:
        InvalidJson: neither JSON nor a picture as it is.
        InvalidPayload: not `{"image": "..."}`, nothing in it, or another word than the known ones beside it.
        NotBase64: its text is neither a data URI nor base64.
    """
    if isinstance(body, SentForm):
        body = body.picture()
    if isinstance(body, SentPicture):
        return Frame(0, body.content if isinstance(body.content, bytes) else decode_data_uri(body.content)), body.told()
    payload = _parse_json(body)
    try:
        request = _validated(PictureRequest, payload)
    except InvalidPayload as error:
        raise InvalidPayload(f"{BODY}: {error}") from None
    told = Told(request.mirrored, EyeSide(request.eye) if request.eye else None)
    return Frame(0, decode_data_uri(request.image)), told


def _parse_json(body: str | bytes) -> Any:
    if not body:
        raise InvalidJson("The body is empty; send JSON.")
    if _values_at_most(body) > MOST_VALUES:
        raise InvalidPayload(f"The body has more than {MOST_VALUES:,} values beside its pictures.")
    try:
        # A byte order mark may be ignored (RFC 8259, section 8.1).
        if isinstance(body, bytes) and body.startswith(_BYTE_ORDER_MARK):
            return orjson.loads(memoryview(body)[len(_BYTE_ORDER_MARK) :])
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "infinity" in str(error) or "surrogate in string" in str(error):
            return _parse_json_of_odd_values(body)
        raise InvalidJson(_why_not_json(body, str(error))) from None


def _parse_json_of_odd_values(body: str | bytes) -> Any:
    """1e999 and half an emoji are JSON, and orjson refuses them; the picture beside them is read all the same."""

    def refuse(_constant: str) -> None:
        raise ValueError

    try:
        return json.loads(body, parse_int=float, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise InvalidJson from None


def _why_not_json(body: str | bytes, problem: str) -> str | None:
    """A better sentence than the usual one, where one is known."""
    head = body[:OPENING_BYTES] if isinstance(body, bytes) else body[:OPENING_BYTES].encode()
    for opening, sentence in _NO_JSON:
        if re.match(opening, head, re.DOTALL):
            return sentence
    if begins_like_a_picture(head):
        return "The body is a picture itself; send JSON that has it as base64, or say its type to /upload: image/jpeg."
    if "recursion" in problem:
        return "The body is nested too deeply; send JSON of a few levels."
    return "The body is not UTF-8 text; send JSON as UTF-8." if "not valid UTF-8" in problem else None


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ASCII = rb"[\t\n\r -~]"
# What a body that is no JSON may be instead, by its first bytes.
_NO_JSON = (
    (
        rb"\xff\xfe|\xfe\xff|\0\0\xfe\xff|(%b\0){2}|(\0%b){2}|(%b\0\0\0){2}|(\0\0\0%b){2}" % ((_ASCII,) * 4),
        "The body is UTF-16 or UTF-32 text; send JSON as UTF-8.",
    ),
    (
        rb"\x1f\x8b|x[\x01\x9c\xda]|PK\x03\x04|\x28\xb5\x2f\xfd|BZh\d|\xfd7zXZ\0",
        "The body is compressed; send it uncompressed.",
    ),
)


def _values_at_most(body: str | bytes) -> int:
    """An upper bound, in milliseconds: every value but the first stands behind one of these."""
    if isinstance(body, bytes):
        return 1 + sum(map(body.count, (b",", b"[", b"{")))
    return 1 + sum(map(body.count, (",", "[", "{")))


def _validated(model: type[_AnyRequest], item: Any) -> _AnyRequest:
    if not isinstance(item, dict):
        raise InvalidPayload("must be a JSON object with an image in it.")
    try:
        return model.model_validate(item)
    except ValidationError as error:
        # Pydantic's own texts quote the input; ours must not.
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidPayload(f"{field} {_PROBLEMS.get(first['type'], 'has the wrong type')}.") from None


_PROBLEMS = {
    "missing": "is missing",
    "string_type": "must be a string",
    "string_too_short": "is empty",
    "string_unicode": "has half a character in it",
    "bool_type": "must be true or false",
    "literal_error": "must be left or right",
}


def _frame_or_failure(index: int, item: Any) -> Frame | FrameFailure:
    try:
        request = _validated(FrameRequest, item)
        data = decode_data_uri(request.image)
    except (InvalidPayload, NotBase64) as error:
        return FrameFailure(index, error)
    box = Box(request.box.x, request.box.y, request.box.w, request.box.h) if request.box else None
    return Frame(index, data, box)
