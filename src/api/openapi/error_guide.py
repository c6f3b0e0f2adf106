"""Every error code with an example of its sentence and what a client does about it.

The codes are those of `core/errors.py`, one for one, and those with which the gateway in front (`deploy/gateway`)
answers in the service's place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from src.core.errors import EyeNetError

# What is answered before a frame is looked at has no place in it.
_IN_FRAME = "Frame 1: image: "
_IN_UPLOAD = "image: "


@dataclass(frozen=True, slots=True)
class ErrorGuide:
    """
    Attributes:
        code: stable.
        status: HTTP status that it comes with.
        sentence: one that the service says with it; others name another place or number.
        advice: what the client does.
        from_gateway: the service itself never says it.
    """

    code: str
    status: int
    sentence: str
    advice: str
    from_gateway: bool = False

    def in_upload(self) -> ErrorGuide:
        """The same as `POST /upload` says it, which has no frames."""
        sentence = self.sentence.replace(_IN_FRAME, _IN_UPLOAD, 1).replace("Frame 1: ", "The body: ", 1)
        return ErrorGuide(self.code, self.status, sentence, self.advice, self.from_gateway)


_SENTENCES_AND_ADVICE = {
    "invalid_json": (
        "The body is not valid JSON.",
        "Send JSON as UTF-8. NaN, Infinity and half of a surrogate pair are not JSON.",
    ),
    "invalid_payload": (
        "Frame 1: image is missing.",
        "Mend the field that the sentence names: it is missing, empty or of another type.",
    ),
    "not_base64": (
        f"{_IN_FRAME}the text is neither a base64 data URI nor base64",
        "Send `data:image/png;base64,...` or bare base64 with the standard alphabet (`+`, `/`) and its padding.",
    ),
    "not_a_picture": (
        f"{_IN_FRAME}the data is not a picture that can be read; send PNG, JPEG, WebP or BMP",
        "The file is damaged, cut off or no picture: ask for another one.",
    ),
    "unsupported_picture": (
        f"{_IN_FRAME}the picture is a GIF; send PNG, JPEG, WebP or BMP",
        "Turn it into a still PNG, JPEG, WebP or BMP. iPhones write HEIC unless told otherwise.",
    ),
    "picture_too_small": (
        f"{_IN_FRAME}the picture has 16x16 pixels; each side needs 32 or more",
        "Send the picture itself and not its thumbnail.",
    ),
    "no_eyes_detected": (
        "No valid eye images detected",
        "Ask for an upright face in good light with both eyes open, or a close-up of one eye to `/upload`.",
    ),
    "unauthorized": (
        "A key is needed: send it as X-API-Key, or as Authorization: Bearer <key>.",
        "Send one of the keys that the operator gave you. Do not retry without.",
    ),
    "not_found": (
        "There is nothing at this path; see the README for the routes.",
        "Mend the path.",
    ),
    "method_not_allowed": (
        "/predict takes POST, OPTIONS.",
        "Use one of the methods in `Allow`.",
    ),
    "body_too_large": (
        "The body is larger than the 48 MiB allowed.",
        "Send fewer or smaller pictures: 640 x 640 is enough.",
    ),
    "too_many_frames": (
        "The request has 33 frames; 32 are allowed.",
        "Send the sharpest ones.",
    ),
    "picture_too_large": (
        f"{_IN_FRAME}the picture has 20000x20000 pixels, more than the 40,000,000 allowed",
        "Scale it down before sending.",
    ),
    "internal_error": (
        "The service failed on this request. The failure was logged.",
        "A bug. Report it with the answer's `X-Request-ID`; trying again will hardly help.",
    ),
    "starting": (
        "The service is starting: the model is not loaded yet. Try again soon.",
        "Wait for `Retry-After` seconds, then try again.",
    ),
    "busy": (
        "The service is busy. Try again soon.",
        "Wait for `Retry-After` seconds, then try again, a few times at most.",
    ),
    "timed_out": (
        "The service did not get to this request in time. Try again later.",
        "Wait for `Retry-After` seconds, then try again once.",
    ),
    "draining": (
        "The service is shutting down. Try again soon.",
        "Wait for `Retry-After` seconds, then try again: another process takes over.",
    ),
}

FROM_GATEWAY = (
    ErrorGuide("bad_request", 400, "This is not a valid HTTP request.", "Mend the client.", from_gateway=True),
    ErrorGuide(
        "body_too_large",
        413,
        "The body is larger than allowed.",
        "Send fewer or smaller pictures: 640 x 640 is enough.",
        from_gateway=True,
    ),
    ErrorGuide(
        "rate_limited",
        429,
        "Too many requests. Try again soon.",
        "Wait for `Retry-After` seconds, and send less often.",
        from_gateway=True,
    ),
    ErrorGuide(
        "bad_gateway",
        502,
        "No backend could answer. Try again soon.",
        "Wait for `Retry-After` seconds, then try again.",
        from_gateway=True,
    ),
    ErrorGuide(
        "unavailable",
        503,
        "The service is not available. Try again soon.",
        "Wait for `Retry-After` seconds, then try again.",
        from_gateway=True,
    ),
    ErrorGuide(
        "gateway_timeout",
        504,
        "The backend did not answer in time. Try again later.",
        "Wait for `Retry-After` seconds, then try again once.",
        from_gateway=True,
    ),
)


def own_errors() -> tuple[ErrorGuide, ...]:
    """Those of `core/errors.py`, in its order.

    Raises:
        KeyError: one of them has no sentence here.
    """
    return tuple(ErrorGuide(error.code, error.status, *_SENTENCES_AND_ADVICE[error.code]) for error in leaf_errors())


def leaf_errors(parent: type[EyeNetError] = EyeNetError) -> Iterator[type[EyeNetError]]:
    """The classes below that are answered as they are; the others only stand for their status."""
    for child in parent.__subclasses__():
        if child.__subclasses__():
            yield from leaf_errors(child)
        else:
            yield child
