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
    StartupError                   the process cannot start; never sent to a client

The message is a sentence for a person. It names the field, never echoes the input.
"""

from __future__ import annotations

from typing import ClassVar

_RETRY_AFTER_SECONDS = "2"


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

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": _RETRY_AFTER_SECONDS}


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


class StartupError(Exception):
    """The service cannot start. `str(error)` says what to mend."""
