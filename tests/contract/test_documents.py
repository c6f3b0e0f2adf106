"""The documentation as it is served, and whether the service does what it says."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from lab.common.backend import ServiceProcess
from src.api.app import build_app
from src.api.context import ApiContext
from src.config.settings import Settings
from tests.contract.payloads import base64_of, picture_bytes

PATHS = ("/openapi.json", "/docs")
# Files that a page consists of are no routes of an API.
FILES_OF_PAGES = "/assets/web/"
# Each has one of our own answers at every path; CONNECT is left out, because Robyn's server keeps it waiting.
ALL_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE")


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/openapi.json").json())


def errors_in(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


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
def test_both_are_served_and_take_nothing_from_elsewhere(client: httpx.Client, path: str, kind: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", PATHS)
def test_what_a_client_has_is_not_sent_again(client: httpx.Client, path: str) -> None:
    tag = client.head(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": f'"old", W/{tag}'})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get(path, headers={"If-None-Match": '"old"'}).status_code == 200


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
        answer = client.put(path)
        assert answer.status_code == 405
        taken = {method.upper() for method in item if method != "parameters"} | {"OPTIONS"}
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
    header = picture_bytes_of_size(20_000, 20_000)
    return {
        "invalid_json": b"{",
        "invalid_payload": {},
        "not_base64": {"image": "%"},
        "not_a_picture": {"image": base64_of(noise)},
        "unsupported_picture": {"image": base64_of(b"GIF89a" + noise)},
        "picture_too_small": {"image": base64_of(picture_bytes_of_size(16, 16))},
        "picture_too_large": {"image": base64_of(header)},
        "body_too_large": b'"' + b"A" * settings.max_body_bytes + b'"',
    }


def picture_bytes_of_size(width: int, height: int) -> bytes:
    """A PNG whose header says so; its pixels are never looked at."""
    png = picture_bytes(Image.new("RGB", (16, 16)))
    size = b"IHDR" + struct.pack(">II", width, height) + png[24:29]
    return png[:12] + size + struct.pack(">I", zlib.crc32(size)) + png[33:]


@pytest.mark.parametrize("path", ["/predict", "/upload"])
def test_errors_say_what_their_examples_say(
    client: httpx.Client, settings: Settings, document: dict[str, Any], path: str
) -> None:
    for code, body in wrong_requests(settings).items():
        content = body if isinstance(body, bytes) else None
        frames = [body] if path == "/predict" else body
        answer = client.post(path, content=content) if content else client.post(path, json=frames)
        assert answer.json() == example_of(document, path, answer.status_code, code), code


def test_too_many_frames_are_refused_as_the_example_says(
    client: httpx.Client, settings: Settings, document: dict[str, Any]
) -> None:
    answer = client.post("/predict", json=[{}] * (settings.max_frames + 1))
    assert answer.json() == example_of(document, "/predict", 413, "too_many_frames")


def test_a_legacy_instance_describes_what_it_answers(tmp_path_factory: pytest.TempPathFactory) -> None:
    log = tmp_path_factory.mktemp("legacy") / "log"
    with ServiceProcess(log, LEGACY_ENVELOPE="true", API_KEYS="0123456789abcdef") as service:
        key = {"X-API-Key": "0123456789abcdef"}
        document = service.client.get("/openapi.json").json()
        operation = document["paths"]["/upload"]["post"]
        request = operation["requestBody"]["content"]["application/json"]["examples"]["drawing"]["value"]
        answers = [
            service.client.post("/upload", json=request, headers=key),
            service.client.post("/upload", json={}, headers=key),
            service.client.post("/upload", json=request),
        ]
        metrics = service.client.get("/metrics")

    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    for answer in answers:
        assert answer.status_code == 200
        assert errors_in(answer.json(), schema, document) == []
    assert [answer.json()["status_code"] for answer in answers] == [200, 400, 401]
    assert metrics.status_code == 401
    assert errors_in(metrics.json(), {"$ref": "#/components/schemas/ErrorAnswer"}, document) == []
    assert "401" in document["paths"]["/metrics"]["get"]["responses"]
