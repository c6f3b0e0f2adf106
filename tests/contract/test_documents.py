"""The documentation as it is served, and whether the service does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from src.api.app import build_app
from src.api.context import ApiContext
from src.config.settings import Settings
from tests.contract.payloads import assert_error, base64_of, errors_in, png_header

PATHS = ("/openapi.json", "/docs")
# Files that a page consists of are no routes of an API.
FILES_OF_PAGES = "/assets/web/"
# Each has one of our own answers at every path; CONNECT is left out, because Robyn's server keeps it waiting.
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE")


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def example_of(document: dict[str, Any], path: str, status: int, name: str) -> Any:
    content = document["paths"][path]["post"]["responses"][str(status)]["content"]["application/json"]
    return content["examples"][name]["value"]


def shape_of(value: Any) -> Any:
    """Keys and types, without values; of a list, the shapes in it."""
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value]
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@pytest.mark.smoke
@pytest.mark.parametrize(("path", "kind"), zip(PATHS, ("application/json", "text/html; charset=utf-8"), strict=True))
def test_the_document_and_its_page_are_served_and_take_nothing_from_elsewhere(
    client: httpx.Client, path: str, kind: str
) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_route_and_method_is_documented_and_nothing_else(
    client: httpx.Client, settings: Settings, document: dict[str, Any]
) -> None:
    registered = {route.route for route in build_app(ApiContext(settings)).router.routes} - {"/*rest"}
    taken = {
        (path, method.lower())
        for path in registered
        if not path.startswith(FILES_OF_PAGES)
        for method in ALL_METHODS
        if client.request(method, path).status_code not in (404, 405)
    }
    documented = {(path, method) for path, item in document["paths"].items() for method in item} - {
        (path, "parameters") for path in document["paths"]
    }
    assert taken == documented


def test_a_wrong_method_is_answered_as_documented(client: httpx.Client, document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        taken = {method.upper() for method in item if method != "parameters"} | {"OPTIONS"}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - taken:
            answer = client.request(method, path)
            assert_error(answer, 405, "method_not_allowed")
            assert set(answer.headers["allow"].split(", ")) == taken
            assert errors_in(answer.json(), {"$ref": "#/components/schemas/ErrorAnswer"}, document) == []


@pytest.mark.parametrize("path", ["/predict", "/upload"])
def test_the_example_is_answered_as_the_example_says(client: httpx.Client, document: dict[str, Any], path: str) -> None:
    operation = document["paths"][path]["post"]
    request = operation["requestBody"]["content"]["application/json"]["examples"]["drawing"]["value"]
    answer = client.post(path, json=request)
    example = example_of(document, path, 200, "drawing")

    assert answer.status_code == 200
    assert (
        errors_in(answer.json(), operation["responses"]["200"]["content"]["application/json"]["schema"], document) == []
    )
    assert shape_of(answer.json()) == shape_of(example)
    for eye, shown in eyes_of(answer.json(), example):
        for field in {"best_prediction", "frames_seen", "found_by", "inconclusive", "reasons"} & set(shown):
            assert eye[field] == shown[field]
    assert set(operation["responses"]["200"]["headers"]) <= {name.title() for name in answer.headers} | {"X-Request-ID"}


def eyes_of(answer: dict[str, Any], example: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for name in ("left_eye", "right_eye"):
        yield answer.get("body", answer)[name], example.get("body", example)[name]


@pytest.mark.parametrize(("path", "name"), [("/health", "healthy"), ("/live", "alive")])
def test_probes_answer_as_the_example_says(
    client: httpx.Client, document: dict[str, Any], path: str, name: str
) -> None:
    content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    answer = client.get(path).json()

    assert errors_in(answer, content["schema"], document) == []
    assert shape_of(answer) == shape_of(content["examples"][name]["value"])


def wrong_requests(settings: Settings) -> dict[str, Any]:
    """One request per code whose sentence depends on the request: that of the document's example."""
    noise = bytes(range(256)) * 3
    return {
        "invalid_json": b"{",
        "invalid_payload": {},
        "not_base64": {"image": "%"},
        "not_a_picture": {"image": base64_of(noise)},
        "unsupported_picture": {"image": base64_of(b"GIF89a" + noise)},
        "picture_too_small": {"image": base64_of(png_header(16, 16))},
        "picture_too_large": {"image": base64_of(png_header(20_000, 20_000))},
        "body_too_large": b'"' + b"A" * settings.max_body_bytes + b'"',
        "too_many_frames": b"[" + b",".join([b"{}"] * (settings.max_frames + 1)) + b"]",
    }


@pytest.mark.parametrize("path", ["/predict", "/upload"])
def test_errors_say_what_their_examples_say(
    client: httpx.Client, settings: Settings, document: dict[str, Any], path: str
) -> None:
    for code, body in wrong_requests(settings).items():
        if code == "too_many_frames" and path == "/upload":
            continue
        content = body if isinstance(body, bytes) else None
        frames = [body] if path == "/predict" else body
        answer = client.post(path, content=content) if content else client.post(path, json=frames)
        assert answer.json() == example_of(document, path, answer.status_code, code), code
