"""What routes answer, by status, with headers and examples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from src.api.answers import sentence_of
from src.api.openapi import examples
from src.api.openapi.schemas import FRAME_ERRORS, GATEWAY_ERRORS, GatewayError, reference
from src.api.requests import BODY
from src.core.errors import EyeNetError, InvalidPayload, TooManyFrames, errors_of_answers

JSON = "application/json"

# By the names under which responses refer to them.
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Names this request in the log: the client's own id if it sent a usable one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "Server-Timing": {
        "description": "Milliseconds of each stage that was reached, and of the whole (W3C Server Timing). Frames are "
        "worked on side by side and their times added up, so a stage may take longer than the whole.",
        "schema": {"type": "string"},
        "example": "parse;dur=0.1, queue;dur=0.0, decode;dur=1.5, detect;dur=5.6, infer;dur=32.2, render;dur=0.3, "
        "encode;dur=0.7, total;dur=41.6",
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "Allow": {
        "description": "The methods that the path takes.",
        "schema": {"type": "string"},
        "example": "POST, OPTIONS",
    },
    "WWW-Authenticate": {
        "description": "How to bring a key.",
        "schema": {"type": "string"},
        "example": "Bearer",
    },
    "ETag": {
        "description": "Of this content; sent back as `If-None-Match`, it saves sending the content again.",
        "schema": {"type": "string"},
    },
}
# An error of the service brings these, by its status.
_HEADERS_OF_ERRORS = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    **dict.fromkeys((429, 502, 503, 504), ("Retry-After",)),
}
_TITLES = {
    400: "The request cannot be answered as it is.",
    401: "A key is needed, and none of ours came.",
    403: "A page of an origin that is not allowed sent it.",
    404: "There is nothing at this path.",
    405: "Any other method at this path.",
    413: "Too many bytes, frames or pixels.",
    415: "The body is not said to be of a type that is read here.",
    421: "The service does not answer to the name that it was asked by.",
    429: "Too many requests of one address.",
    500: "Something of ours broke.",
    502: "No process of the service could be reached.",
    503: "Not now.",
    504: "The service took too long.",
}
_ONLY_FROM_GATEWAY = "Answered by the gateway in front, where there is one, and never by the service itself."


def response(description: str, content: dict[str, Any] | None = None, headers: Iterable[str] = ()) -> dict[str, Any]:
    """
    Args:
        description: when it comes.
        content: by media type; None for an answer without a body.
        headers: beside `X-Request-ID`, which every answer has.
    """
    names = ["X-Request-ID", *headers]
    described = {"description": description, "headers": {name: _header(name) for name in names}}
    return described if content is None else {**described, "content": content}


def json_content(schema: str, **answers: Any) -> dict[str, Any]:
    """
    Args:
        schema: its name.
        **answers: examples, by what they show.
    """
    shown = {name: {"summary": name.replace("_", " "), "value": answer} for name, answer in answers.items()}
    return {JSON: {"schema": reference(schema), "examples": shown}}


def errors_of(*statuses: int, upload: bool = False) -> dict[str, dict[str, Any]]:
    """One response per status, with an example of each of its codes.

    Args:
        *statuses: that the route can answer.
        upload: the route has no frames.
    """
    errors = [error for error in errors_of_answers() if not (upload and error is TooManyFrames)]
    return {
        str(status): _error_response(
            status,
            [_own_example(error, upload=upload) for error in errors if error.status == status],
            [_gateway_example(error) for error in GATEWAY_ERRORS if error.status == status],
        )
        for status in statuses
    }


def errors_of_gateway() -> dict[str, dict[str, Any]]:
    """The same for what the gateway answers in the service's place."""
    statuses = sorted({error.status for error in GATEWAY_ERRORS})
    return {
        str(status): _error_response(
            status, [], [_gateway_example(error) for error in GATEWAY_ERRORS if error.status == status]
        )
        for status in statuses
    }


def _error_response(status: int, of_service: list[dict[str, Any]], of_gateway: list[dict[str, Any]]) -> dict[str, Any]:
    description = _TITLES[status]
    if not of_service:
        description = f"{description} {_ONLY_FROM_GATEWAY}"
    shown = {example["value"]["body"]["code"]: example for example in of_service}
    shown.update((f"{example['value']['body']['code']}_of_gateway", example) for example in of_gateway)
    content = {JSON: {"schema": reference("ErrorAnswer"), "examples": shown}}
    return response(description, content, _HEADERS_OF_ERRORS.get(status, ()))


def _own_example(error: type[EyeNetError], *, upload: bool) -> dict[str, Any]:
    in_first_frame = error in FRAME_ERRORS and not upload
    sentence = sentence_of(error(), 0 if in_first_frame else None)
    if upload and error is InvalidPayload:
        sentence = f"{BODY}: {sentence}"
    return {"summary": error.advice, "value": examples.error_answer(error.status, error.code, sentence)}


def _gateway_example(error: GatewayError) -> dict[str, Any]:
    return {"summary": error.advice, "value": examples.error_answer(error.status, error.code, error.sentence)}


def _header(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/headers/{name}"}
