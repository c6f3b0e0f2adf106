"""Everything that can go wrong, with its HTTP status and its stable code.

    EyeNetError
      BadRequest                   400
        InvalidJson                    invalid_json
        InvalidPayload                 invalid_payload
        NotBase64                      not_base64
        NotAPicture                    not_a_picture
        UnsupportedPicture             unsupported_picture
        PictureTooSmall                picture_too_small
        NoEyesDetected                 no_eyes_detected
      Unauthorized                 401 unauthorized
      OriginNotAllowed             403 origin_not_allowed
      NotFound                     404 not_found
      MethodNotAllowed             405 method_not_allowed
      TooLarge                     413
        BodyTooLarge                   body_too_large
        TooManyFrames                  too_many_frames
        PictureTooLarge                picture_too_large
        TooManyPixels                  too_many_pixels
      UnsupportedContentType       415 unsupported_content_type
      HostNotAllowed               421 host_not_allowed
      InternalError                500 internal_error
      Unavailable                  503
        Starting                       starting
        Busy                           busy
        Draining                       draining
        TimedOut                       timed_out
    StartupError                   the process cannot start; never sent to a client

Each says what is wrong in a sentence for a person, which never echoes the input, and on its class what a client does
about it. Where in a request it is wrong is not part of the sentence: whoever knows the place adds it (see
`api/answers.py`), because a file of a screening has no frames and no fields.
"""

from __future__ import annotations

from typing import ClassVar

_RETRY_AFTER_SECONDS = 2
# Who comes back at once after a timeout finds the same load, and adds to it.
_RETRY_AFTER_TIMEOUT_SECONDS = 10
_OPENCV_NO_MEMORY = -4
_TENSORFLOW_EXHAUSTED = 8


class EyeNetError(Exception):
    """An answer other than 200. `str(error)` is the sentence for the client.

    Attributes:
        sentence: what is said where nothing more exact is known, and the example in the documents.
        advice: what a client does about it.
        frame: 0-based position of the frame that it is about, in a request of several frames.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    sentence: ClassVar[str] = ""
    advice: ClassVar[str] = ""
    frame: int | None = None

    def __init__(self, sentence: str | None = None) -> None:
        super().__init__(sentence or self.sentence)

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say beside the body."""
        return {}

    def in_frame(self, index: int) -> EyeNetError:
        """The error itself, which now knows its frame."""
        self.frame = index
        return self


class BadRequest(EyeNetError):
    status = 400
    code = "bad_request"


class InvalidJson(BadRequest):
    code = "invalid_json"
    sentence = "The body is not valid JSON; send JSON as UTF-8."
    advice = "Send JSON as UTF-8, uncompressed. NaN, Infinity and half of a surrogate pair are not JSON."


class InvalidPayload(BadRequest):
    code = "invalid_payload"
    sentence = "image is missing."
    advice = "Mend the field or parameter that the sentence names: it is missing, empty, of another type or said twice."


class NotBase64(BadRequest):
    code = "not_base64"
    sentence = "the text is neither a base64 data URI nor base64; send data:image/png;base64,..."
    advice = "Send `data:image/png;base64,...` or bare base64, with the standard alphabet (`+`, `/`)."


class NotAPicture(BadRequest):
    code = "not_a_picture"
    sentence = "the data is not a picture that can be read; send PNG, JPEG, WebP or BMP"
    advice = "The file is damaged, cut off or no picture: ask for another one."


class UnsupportedPicture(BadRequest):
    code = "unsupported_picture"
    sentence = "the picture is a GIF; send PNG, JPEG, WebP or BMP"
    advice = "Turn it into a still PNG, JPEG, WebP or BMP. iPhones write HEIC unless told otherwise."


class PictureTooSmall(BadRequest):
    code = "picture_too_small"
    sentence = "the picture has 16x16 pixels; each side needs 32 or more"
    advice = "Send the picture itself and not its thumbnail."


class NoEyesDetected(BadRequest):
    code = "no_eyes_detected"
    sentence = "No valid eye images detected"
    advice = "Ask for a photo in good light: a face, both eyes, or one eye with its lids and corners."


class Unauthorized(EyeNetError):
    """No key, or one that is not ours: the answer does not tell which (RFC 9110, section 11.6.1)."""

    status = 401
    code = "unauthorized"
    sentence = "A key is needed: send it as X-API-Key, or as Authorization: Bearer <key>."
    advice = "Send one of the keys that the operator gave you. Do not retry without."

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class OriginNotAllowed(EyeNetError):
    """A page sent this that may not: its user need not know that it did."""

    status = 403
    code = "origin_not_allowed"
    sentence = "Pages of this origin may not send pictures here; the operator allows origins with ALLOWED_ORIGINS."
    advice = (
        "Have the operator add your page's origin to `ALLOWED_ORIGINS`. Programs that are no pages send no `Origin`."
    )


class NotFound(EyeNetError):
    status = 404
    code = "not_found"
    sentence = "There is nothing at this path; see the README for the routes."
    advice = "Mend the path."


class MethodNotAllowed(EyeNetError):
    status = 405
    code = "method_not_allowed"
    sentence = "/predict takes POST, OPTIONS."
    advice = "Use one of the methods in `Allow`."

    def __init__(self, sentence: str | None = None, allowed: str = "") -> None:
        super().__init__(sentence)
        self._allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self._allowed}


class TooLarge(EyeNetError):
    status = 413
    code = "too_large"


class BodyTooLarge(TooLarge):
    code = "body_too_large"
    sentence = "The body is larger than the 48 MiB allowed."
    advice = "Send fewer or smaller pictures: 640 x 640 is enough."


class TooManyFrames(TooLarge):
    code = "too_many_frames"
    sentence = "The request has 33 frames; 32 are allowed."
    advice = "Send the sharpest ones."


class PictureTooLarge(TooLarge):
    code = "picture_too_large"
    sentence = "the picture has 20000x20000 pixels, more than the 40,000,000 allowed"
    advice = "Scale it down before sending."


class TooManyPixels(TooLarge):
    code = "too_many_pixels"
    sentence = "The pictures of the request have 480,000,000 pixels together, more than the 400,000,000 allowed."
    advice = "Send fewer pictures, or smaller ones: 640 x 640 is enough."


class UnsupportedContentType(EyeNetError):
    status = 415
    code = "unsupported_content_type"
    sentence = (
        "This content type is not read here; send JSON, with Content-Type: application/json. /upload also takes a form "
        "with the picture, or the picture itself, as image/jpeg or its like."
    )
    advice = (
        "Send JSON as `Content-Type: application/json`, or to `/upload` a form (`curl -F`) or the picture itself as "
        "`image/jpeg` and its like; uncompressed. `curl -d` says another type."
    )


class HostNotAllowed(EyeNetError):
    """RFC 9110, section 15.5.20: the request is for a name that this service does not answer to."""

    status = 421
    code = "host_not_allowed"
    sentence = "The service does not answer to this host name; the operator lists its names in ALLOWED_HOSTS."
    advice = "Use the name that the operator gave you, or ask for yours to be added to `ALLOWED_HOSTS`."


class InternalError(EyeNetError):
    """Something of ours broke. The cause goes to the log, not to the client."""

    sentence = "The service failed on this request. The failure was logged."
    advice = "A bug. Report it with the answer's `X-Request-ID`; trying again will hardly help."


class Unavailable(EyeNetError):
    status = 503
    code = "unavailable"
    retry_after_seconds: ClassVar[int] = _RETRY_AFTER_SECONDS

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


class Starting(Unavailable):
    code = "starting"
    sentence = "The service is starting: the model is not loaded yet. Try again soon."
    advice = "Wait for `Retry-After` seconds, then try again."


class Busy(Unavailable):
    code = "busy"
    sentence = "The service is busy. Try again soon."
    advice = "Wait for `Retry-After` seconds, then try again, a few times at most."


class Draining(Unavailable):
    code = "draining"
    sentence = "The service is shutting down. Try again soon."
    advice = "Wait for `Retry-After` seconds, then try again: another process takes over."


class TimedOut(Unavailable):
    code = "timed_out"
    sentence = "The service did not get to this request in time. Try again later."
    advice = "Wait for `Retry-After` seconds, then try again once."
    retry_after_seconds = _RETRY_AFTER_TIMEOUT_SECONDS


def memory_ran_out(error: BaseException | None) -> bool:
    """Whether this error, or one that it came from, says that the process got no memory.

    OpenCV and TensorFlow say it in errors of their own, by number: StsNoMem (-4) and RESOURCE_EXHAUSTED (8). A GPU says
    the latter of its own memory, too; that is no reason to distrust the process.
    """
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "code", None) == _OPENCV_NO_MEMORY:
            return True
        if getattr(error, "error_code", None) == _TENSORFLOW_EXHAUSTED and "device:GPU" not in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


class StartupError(Exception):
    """The service cannot start. `str(error)` says what to mend."""


def errors_of_answers(parent: type[EyeNetError] = EyeNetError) -> list[type[EyeNetError]]:
    """The classes that are answered as they are, in the order of the tree; the others only stand for their status."""
    return [error for child in parent.__subclasses__() for error in (errors_of_answers(child) or [child])]
