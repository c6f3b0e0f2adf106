"""What the OpenAPI document says of each path: what it is for, what it takes, and each of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from src.api.openapi import examples
from src.api.openapi.responses import JSON, errors_of, errors_of_gateway, json_content, response
from src.api.openapi.schemas import reference
from src.api.parameters import WORDS
from src.config.settings import Settings
from src.core.errors import NoEyesDetected

Operation: TypeAlias = dict[str, Any]
PathItem: TypeAlias = dict[str, Operation]
"""Operations by their methods in lower case."""

REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "An id of your own, to find the request in the log: up to 64 letters, digits and `._-`. Any other "
    "is replaced.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "An `ETag` of an earlier answer.",
    "schema": {"type": "string"},
}
_EYE = {
    "name": "eye",
    "in": "query",
    "description": "Which eye of the person a photo of one eye shows, if you know, mirrored or not. Of a photo of both "
    "it says nothing. May stand in the body instead.",
    "schema": {"type": "string", "enum": list(WORDS["eye"])},
}
_PREVIEWS = {
    "name": "previews",
    "in": "query",
    "description": "As what `image_preview` and `grad_cam_preview` are encoded; with `none` both are null, and no "
    "heatmap is drawn.",
    "schema": {"type": "string", "enum": list(WORDS["previews"]), "default": "png"},
}


def predict(settings: Settings) -> PathItem:
    operation = {
        "operationId": "predict",
        "tags": ["analysis"],
        "parameters": [_mirrored(settings, ""), _PREVIEWS],
        "summary": "Frames of a face in, both eyes out",
        "description": "Scores are averaged over the frames in which an eye was seen; the sharpest of them is shown. "
        f"Five frames of 640 x 640 are plenty, {settings.max_frames} the most. A frame that cannot be read is "
        "reported in `frame_errors` and the others are answered; if none can, the first one's error is the answer. "
        "Left and right are the person's own. An eye whose side no frame shows stands under `left_eye`, with `side` "
        "`unknown`; there is no parameter to say it here.",
        "requestBody": {
            "required": True,
            "description": f"At most {settings.max_body_mb} MiB.",
            "content": {
                JSON: {
                    "schema": reference("Frames"),
                    "examples": {
                        "drawing": {"summary": "a drawn face, twice", "value": examples.predict_request()},
                    },
                }
            },
        },
    }
    answer = examples.predict_answer(settings.classes)
    if settings.legacy_envelope:
        return {"post": _in_envelope(settings, operation, answer["body"])}
    found = response("At least one eye was seen.", json_content("PredictAnswer", drawing=answer), ("Server-Timing",))
    return {"post": {**operation, "responses": {"200": found, **_analysis_errors(upload=False)}}}


def upload(settings: Settings) -> PathItem:
    operation = {
        "operationId": "upload",
        "tags": ["analysis"],
        "parameters": [_EYE, _mirrored(settings, " May stand in the body instead."), _PREVIEWS],
        "summary": "One photo of an eye, or of a face, in; its eyes out",
        "description": "A photo of a face or of both eyes is answered with both eyes, a close-up with the one that it "
        "shows; if neither it nor you say which that is, it stands under `left_eye`, with `side` `unknown`."
        + (" So does every single eye here, for the first frontend." if settings.legacy_envelope else "")
        + " A photo without an eye is 400.",
        "requestBody": {
            "required": True,
            "description": f"At most {settings.max_body_mb} MiB.",
            "content": {
                JSON: {
                    "schema": reference("PictureRequest"),
                    "examples": {"drawing": {"summary": "a drawn eye", "value": examples.upload_request()}},
                },
                "multipart/form-data": {"schema": _FORM},
                "image/*": {"schema": {"type": "string", "format": "binary"}},
            },
        },
    }
    answer = examples.upload_answer(settings.classes)
    if settings.legacy_envelope:
        return {"post": _in_envelope(settings, operation, answer)}
    found = response("The eye, or both.", json_content("UploadAnswer", drawing=answer), ("Server-Timing",))
    return {"post": {**operation, "responses": {"200": found, **_analysis_errors(upload=True)}}}


def health(settings: Settings) -> PathItem:
    healthy = examples.health_answer(settings.classes, settings.grad_cam_layer)
    return _with_head(
        {
            "operationId": "health",
            "tags": ["operations"],
            "summary": "May requests be sent here?",
            "description": "For load balancers and people. Never waits behind pictures.",
            "responses": {
                "200": response(
                    "The model has answered a warm-up picture: requests are taken.",
                    json_content("HealthAnswer", healthy=healthy),
                ),
                "503": response(
                    "Starting or draining, or a part of the service is dead or hangs; the same shape.",
                    json_content("HealthAnswer", starting=examples.starting_answer()),
                ),
                **errors_of(405, 421, 500),
            },
        }
    )


def live() -> PathItem:
    return _with_head(
        {
            "operationId": "live",
            "tags": ["operations"],
            "summary": "Does the process answer at all?",
            "description": "For whatever restarts it. Answers from the first moment on.",
            "responses": {
                "200": response("It does.", json_content("LiveAnswer", alive={"status": 200, "message": "Alive"})),
                "503": response(
                    "It cannot go on, and is about to end.",
                    json_content("LiveAnswer", failing={"status": 503, "message": "Failing"}),
                ),
                **errors_of(405, 421, 500),
            },
        }
    )


def metrics() -> PathItem:
    return _with_head(
        {
            "operationId": "metrics",
            "tags": ["operations"],
            "summary": "Counts and times for Prometheus",
            "description": "Names the model and the load, nothing of pictures or people.",
            "responses": {
                "200": response(
                    "Text in Prometheus' exposition format.", {"text/plain": {"schema": {"type": "string"}}}
                ),
                **errors_of(401, 405, 421, 500),
            },
        }
    )


def openapi() -> PathItem:
    what = "The document, for this instance's settings."
    return _with_head(_file("openapi", "This document", JSON, {"type": "object"}, what))


def docs() -> PathItem:
    return _with_head(_page("docs", "This document as a page", "Works offline and without scripts."))


def demo_page() -> PathItem:
    what = "Photo or webcam in, both eyes out; in the browser, no build step."
    return _with_head(_page("demo_page", "The demo page", what))


_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "string", "format": "binary", "description": "The picture's file: PNG, JPEG, WebP or BMP."},
        "eye": {"type": "string", "enum": ["left", "right"], "description": "As the parameter."},
        "mirrored": {"type": "boolean", "description": "As the parameter."},
    },
}


def _mirrored(settings: Settings, where_else: str) -> dict[str, Any]:
    default = str(settings.mirrored_input).lower()
    return {
        "name": "mirrored",
        "in": "query",
        "description": "Whether the pictures are mirrored, as those of selfie cameras: left and right change places. "
        f"Without it, this instance takes it for {default}.{where_else}",
        "schema": {"type": "boolean"},
    }


def _analysis_errors(*, upload: bool) -> dict[str, dict[str, Any]]:
    errors = errors_of(400, 401, 403, 405, 413, 415, 421, 429, 500, 502, 503, 504, upload=upload)
    for status in ("400", "413", "503"):
        errors[status]["headers"]["Server-Timing"] = {"$ref": "#/components/headers/Server-Timing"}
    return errors


def _in_envelope(settings: Settings, operation: Operation, content: Any) -> Operation:
    """LEGACY_ENVELOPE: one status for everything; only the gateway's own errors are outside of it."""
    answer = response(
        "Whatever came of it: the status is in `status_code`, the content in `body`, as a string of JSON. Errors "
        "bring their headers all the same.",
        json_content(
            "LegacyAnswer",
            drawing=examples.in_envelope(200, content),
            no_eyes_detected=examples.in_envelope(
                NoEyesDetected.status, {"error": NoEyesDetected.sentence, "code": NoEyesDetected.code}
            ),
        ),
        ("Server-Timing",),
    )
    for name in ("Retry-After", "Allow", *(("WWW-Authenticate",) if settings.api_keys else ())):
        answer["headers"][name] = {"$ref": f"#/components/headers/{name}"}
    return {**operation, "responses": {"200": answer, **errors_of_gateway()}}


def _page(operation_id: str, summary: str, description: str) -> Operation:
    return {
        **_file(operation_id, summary, "text/html", {"type": "string"}, "The page."),
        "description": description,
    }


def _file(operation_id: str, summary: str, media_type: str, schema: Mapping[str, Any], what: str) -> Operation:
    return {
        "operationId": operation_id,
        "tags": ["documents"],
        "summary": summary,
        "parameters": [_IF_NONE_MATCH],
        "responses": {
            "200": response(what, {media_type: {"schema": dict(schema)}}, ("ETag",)),
            "304": response("It has not changed.", headers=("ETag",)),
            **errors_of(401, 405, 421, 500),
        },
    }


def _with_head(get: Operation) -> PathItem:
    """GET, and HEAD, which answers the same without a body."""
    responses = {
        status: {key: value for key, value in answer.items() if key != "content"}
        for status, answer in get["responses"].items()
    }
    head = {
        **get,
        "operationId": f"{get['operationId']}_head",
        "summary": f"{get['summary']} (headers only)",
        "responses": responses,
    }
    return {"get": get, "head": head}
