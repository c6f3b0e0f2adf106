"""Assembles the document (OpenAPI 3.1.0), once, at start."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from src import __version__
from src.api.openapi.operations import REQUEST_ID
from src.api.openapi.responses import HEADERS
from src.api.openapi.schemas import component_schemas
from src.config.settings import Settings
from src.core.wording import NOTICE

_SECURITY_SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}
_TAGS = {
    "analysis": "Photos in, eyes out.",
    "operations": "For probes, load balancers and Prometheus.",
    "documents": "Pages for people.",
}


def openapi_document(
    settings: Settings, paths: Mapping[str, Mapping[str, Any]], guarded: Collection[str] = ()
) -> dict[str, Any]:
    """What this instance answers.

    Args:
        settings: limits, classes and envelope of the instance.
        paths: what is to be said of each path that it serves; see `PathItem`.
        guarded: those of them that need one of API_KEYS.
    """
    described = {
        path: _path_item(item, needs_key=path in guarded, has_names=bool(settings.allowed_hosts))
        for path, item in paths.items()
    }
    components: dict[str, Any] = {
        "schemas": component_schemas(settings),
        "headers": HEADERS,
        "parameters": {REQUEST_ID["name"]: REQUEST_ID},
    }
    if guarded:
        components["securitySchemes"] = _SECURITY_SCHEMES
    used = {operation["tags"][0] for item in described.values() for operation in item.values() if "tags" in operation}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "EyeNet Backend",
            "version": __version__,
            "summary": "Photos in; for each eye its likeness to a few conditions, a heatmap, and reasons to doubt.",
            "description": _description(settings, has_keys=bool(guarded)),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        # Beside the document, wherever that is: behind a proxy, paths may begin with more than ours.
        "servers": [{"url": ".", "description": "this instance"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in used],
        "paths": described,
        "components": components,
    }


def _path_item(item: Mapping[str, Any], *, needs_key: bool, has_names: bool) -> dict[str, Any]:
    never = {status for status, comes in (("401", needs_key), ("421", has_names)) if not comes}
    described: dict[str, Any] = {"parameters": [{"$ref": f"#/components/parameters/{REQUEST_ID['name']}"}]}
    for method, operation in item.items():
        responses = {status: answer for status, answer in operation["responses"].items() if status not in never}
        described[method] = {**operation, "responses": responses}
        if needs_key:
            described[method]["security"] = [{name: []} for name in _SECURITY_SCHEMES]
    return described


def _description(settings: Settings, *, has_keys: bool) -> str:
    """Paragraphs of plain Markdown."""
    origins = ", ".join(f"`{origin}`" for origin in settings.allowed_origins)
    paragraphs = [
        "Takes photos, finds the eyes, and says of each one how much it looks like "
        f"{', '.join(settings.classes[:-1])} or {settings.classes[-1]}, with a heatmap of where the evidence is.",
        f"**{NOTICE}** Show the reasons to doubt wherever you show an answer.",
        "Errors have one shape on every route: a sentence for a person and a stable `code` for programs. Clients must "
        "bear fields that they do not know. An unknown path is answered 404 with the code `not_found`.",
        "Answers 429, 502, 503 and 504 may be tried again after `Retry-After` seconds, a few times at most: requests "
        "change nothing, so a repeated one does no harm. Answers 400, 401, 403, 404, 405, 413, 415 and 421 stay "
        "what they are.",
        f"Limits of this instance: {settings.max_body_mb} MiB a body, {settings.max_frames} frames a request, "
        f"{settings.max_image_pixels:,} pixels a picture.",
        f"Pages of {origins} may call it from a browser (CORS)."
        if origins
        else "No pages of other origins may call it from a browser (CORS).",
        "Every path answers OPTIONS with 204 and `Allow`.",
    ]
    if has_keys:
        paragraphs.append("A key is needed where a lock is shown: `X-API-Key: <key>` or `Authorization: Bearer <key>`.")
    if settings.legacy_envelope:
        paragraphs.append(
            "This instance serves the first EyeNet frontend (LEGACY_ENVELOPE): `/predict` and `/upload` always answer "
            "HTTP 200, errors too, with the status and the body, as a string of JSON, inside."
        )
    return "\n\n".join(paragraphs)
