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
      NotFound                     404 not_found
      MethodNotAllowed             405 method_not_allowed
      TooLarge                     413
        BodyTooLarge                   body_too_large
        TooManyFrames                  too_many_frames
        PictureTooLarge                picture_too_large
      InternalError                500 internal_error
      Unavailable                  503
        Starting                       starting
        Busy                           busy
        Draining                       draining
        TimedOut                       timed_out
    StartupError                   the process cannot start; never sent to a client

The message is a sentence for a person. It names the field, never echoes the input.
"""

from __future__ import annotations

from typing import ClassVar

_RETRY_AFTER_SECONDS = 2
# Who comes back at once after a timeout finds the same load, and adds to it.
_RETRY_AFTER_TIMEOUT_SECONDS = 10


class EyeNetError(Exception):
    """An answer other than 200. `str(error)` is the sentence for the client."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"

    @property
    def headers(self) -> dict[str, str]:
        """What the answer's headers say beside the body."""
        return {}

    def located(self, where: str) -> EyeNetError:
        """The same error, its sentence opening with the place: "Frame 2: ..."."""
        # Not by calling the class: some of the errors take more than a sentence.
        elsewhere = type(self).__new__(type(self))
        elsewhere.__dict__.update(self.__dict__)
        elsewhere.args = (f"{where}: {self}",)
        return elsewhere


class BadRequest(EyeNetError):
    status = 400
    code = "bad_request"


class InvalidJson(BadRequest):
    code = "invalid_json"


class InvalidPayload(BadRequest):
    code = "invalid_payload"


class NotBase64(BadRequest):
    code = "not_base64"


class NotAPicture(BadRequest):
    code = "not_a_picture"


class UnsupportedPicture(BadRequest):
    code = "unsupported_picture"


class PictureTooSmall(BadRequest):
    code = "picture_too_small"


class NoEyesDetected(BadRequest):
    code = "no_eyes_detected"

    def __init__(self, message: str = "No valid eye images detected") -> None:
        super().__init__(message)


class Unauthorized(EyeNetError):
    """No key, or one that is not ours: the answer does not tell which (RFC 9110, section 11.6.1)."""

    status = 401
    code = "unauthorized"

    def __init__(
        self, message: str = "A key is needed: send it as X-API-Key, or as Authorization: Bearer <key>."
    ) -> None:
        super().__init__(message)

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class NotFound(EyeNetError):
    status = 404
    code = "not_found"


class MethodNotAllowed(EyeNetError):
    status = 405
    code = "method_not_allowed"

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self._allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        return {"Allow": self._allowed}


class TooLarge(EyeNetError):
    status = 413
    code = "too_large"


class BodyTooLarge(TooLarge):
    code = "body_too_large"


class TooManyFrames(TooLarge):
    code = "too_many_frames"


class PictureTooLarge(TooLarge):
    code = "picture_too_large"


class InternalError(EyeNetError):
    """Something of ours broke. The cause goes to the log, not to the client."""

    def __init__(self, message: str = "The service failed on this request. The failure was logged.") -> None:
        super().__init__(message)


class Unavailable(EyeNetError):
    status = 503
    code = "unavailable"
    retry_after_seconds: ClassVar[int] = _RETRY_AFTER_SECONDS

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)}


class Starting(Unavailable):
    code = "starting"

    def __init__(self, message: str = "The service is starting: the model is not loaded yet. Try again soon.") -> None:
        super().__init__(message)


class Busy(Unavailable):
    code = "busy"

    def __init__(self, message: str = "The service is busy. Try again soon.") -> None:
        super().__init__(message)


class Draining(Unavailable):
    code = "draining"

    def __init__(self, message: str = "The service is shutting down. Try again soon.") -> None:
        super().__init__(message)


class TimedOut(Unavailable):
    code = "timed_out"
    retry_after_seconds = _RETRY_AFTER_TIMEOUT_SECONDS

    def __init__(self, message: str = "The service did not get to this request in time. Try again later.") -> None:
        super().__init__(message)


class StartupError(Exception):
    """The service cannot start. `str(error)` says what to mend."""
