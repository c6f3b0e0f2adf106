"""The outermost shape of an answer: plain HTTP, or what the first EyeNet frontend expects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import orjson
from pydantic import BaseModel

from src.api.answers import ErrorAnswer, LegacyAnswer, PredictAnswer

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, before its wrapper adds CORS and the request id."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Envelope(Protocol):
    """Turns a model into an answer."""

    def __call__(self, status: int, model: BaseModel, headers: dict[str, str] | None = None) -> Answer: ...


def plain_envelope(status: int, model: BaseModel, headers: dict[str, str] | None = None) -> Answer:
    """The model as JSON under its own HTTP status."""
    # Pydantic writes long texts, which previews are, many times slower than orjson.
    return Answer(status, orjson.dumps(model.model_dump()), {**_JSON, **(headers or {})})


def legacy_envelope(status: int, model: BaseModel, headers: dict[str, str] | None = None) -> Answer:
    """HTTP 200 whatever happened; the real status and the body, as a string of JSON, are inside."""
    content = model.body if isinstance(model, PredictAnswer | ErrorAnswer) else model
    wrapped = LegacyAnswer(status_code=status, body=content.model_dump_json(), headers=_JSON)
    return plain_envelope(200, wrapped, headers)
