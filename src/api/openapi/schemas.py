"""The schemas of requests and answers: those of our models, narrowed to what this instance can say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from src.api.requests import FrameRequest, PictureRequest
from src.api.schemas import ErrorAnswer, HealthAnswer, LegacyAnswer, LiveAnswer, PredictAnswer, UploadAnswer
from src.config.settings import Settings
from src.core.errors import (
    InvalidPayload,
    NotAPicture,
    NotBase64,
    PictureTooLarge,
    PictureTooSmall,
    UnsupportedPicture,
    errors_of_answers,
)
from src.core.types import EyeSource, Reason, SideSource
from src.core.wording import REASONS

_REFERENCE = "#/components/schemas/{model}"
_REQUESTS: tuple[type[BaseModel], ...] = (FrameRequest, PictureRequest)
_ANSWERS: tuple[type[BaseModel], ...] = (PredictAnswer, UploadAnswer, ErrorAnswer, HealthAnswer, LiveAnswer)
# Why a single frame may be refused while the others are answered.
FRAME_ERRORS = (InvalidPayload, NotBase64, NotAPicture, UnsupportedPicture, PictureTooSmall, PictureTooLarge)


@dataclass(frozen=True, slots=True)
class GatewayError:
    """What the gateway in front (`deploy/gateway`) answers in the service's place; fields as in `EyeNetError`."""

    code: str
    status: int
    sentence: str
    advice: str


GATEWAY_ERRORS = (
    GatewayError("bad_request", 400, "This is not a valid HTTP request.", "Mend the client."),
    GatewayError(
        "body_too_large",
        413,
        "The body is larger than allowed.",
        "Send fewer or smaller pictures: 640 x 640 is enough.",
    ),
    GatewayError(
        "rate_limited",
        429,
        "Too many requests. Try again soon.",
        "Wait for `Retry-After` seconds, and send less often.",
    ),
    GatewayError(
        "bad_gateway",
        502,
        "No backend could answer. Try again soon.",
        "Wait for `Retry-After` seconds, then try again.",
    ),
    GatewayError(
        "unavailable",
        503,
        "The service is not available. Try again soon.",
        "Wait for `Retry-After` seconds, then try again.",
    ),
    GatewayError(
        "gateway_timeout",
        504,
        "The backend did not answer in time. Try again later.",
        "Wait for `Retry-After` seconds, then try again once.",
    ),
)


class _Schemas(GenerateJsonSchema):
    """Pydantic's, without a title per field that says its name once more, and without defaults of null: programs that
    make clients take a field that has a default for one that is always there.
    """

    def default_schema(self, schema: Any) -> dict[str, Any]:
        described = super().default_schema(schema)
        return {key: value for key, value in described.items() if key != "default" or value is not None}

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def reference(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=name)}


def component_schemas(settings: Settings) -> dict[str, dict[str, Any]]:
    """By the names of the models, and `Frames`, the body of `/predict`."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in _REQUESTS]
    models += [(model, "serialization") for model in _ANSWERS]
    if settings.legacy_envelope:
        models.append((LegacyAnswer, "serialization"))
    _, generated = models_json_schema(models, ref_template=_REFERENCE, schema_generator=_Schemas)
    schemas: dict[str, dict[str, Any]] = generated["$defs"]
    schemas["Frames"] = {
        "type": "array",
        "items": reference("FrameRequest"),
        "minItems": 1,
        "maxItems": settings.max_frames,
        "title": "Frames",
        "description": "Body of `POST /predict`: pictures of one face.",
    }
    for kind in (EyeSource, Reason, SideSource):
        # A client that is made of this document has to take those that may come.
        schema = schemas[kind.__name__]
        schema["examples"] = schema.pop("enum")
        known = ", ".join(f"`{value}`" for value in schema["examples"])
        schema["description"] += f" Known are {known}; more may come."
    schemas["Reason"]["description"] += "".join(f"\n- `{reason.value}`: {REASONS[reason].meaning}" for reason in Reason)
    for name, field, more in _narrowings(settings):
        schemas[name]["properties"][field].update(more)
    return dict(sorted(schemas.items()))


def _narrowings(settings: Settings) -> list[tuple[str, str, dict[str, Any]]]:
    """Model, field, and what is known of the field beyond its type."""
    classes = list(settings.classes)
    percentage = {"type": "number", "minimum": 0, "maximum": 100}
    own = errors_of_answers()
    codes = sorted({error.code for error in own} | {error.code for error in GATEWAY_ERRORS})
    statuses = sorted({error.status for error in own} | {error.status for error in GATEWAY_ERRORS})
    narrowings: list[tuple[str, str, dict[str, Any]]] = [
        (
            "EyeAnswer",
            "average_scores",
            {"properties": dict.fromkeys(classes, percentage), "required": classes, "additionalProperties": False},
        ),
        ("EyeAnswer", "best_prediction", {"enum": [*classes, "Not Detected"]}),
        ("EyeAnswer", "frames_seen", {"maximum": settings.max_frames}),
        ("HealthModelAnswer", "classes", {"const": classes}),
        ("FrameErrorAnswer", "code", {"enum": sorted(error.code for error in FRAME_ERRORS)}),
        ("ErrorBody", "code", {"enum": codes}),
        ("ErrorAnswer", "status_code", {"enum": statuses}),
    ]
    if settings.legacy_envelope:
        content = {"anyOf": [reference(name) for name in ("EyesAnswer", "UploadAnswer", "ErrorBody")]}
        told: dict[str, Any] = {"contentMediaType": "application/json", "contentSchema": content}
        narrowings += [("LegacyAnswer", "body", told), ("LegacyAnswer", "status_code", {"enum": [200, *statuses]})]
    return narrowings
