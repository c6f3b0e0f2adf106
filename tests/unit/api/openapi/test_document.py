"""The document is valid, says what this instance does, and leaves nothing out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from src import __version__
from src.api.openapi import operations
from src.api.openapi.document import openapi_document
from src.api.openapi.schemas import GATEWAY_ERRORS
from src.config.settings import Settings
from src.core.errors import errors_of_answers
from src.core.wording import NOTICE

GUARDED = ("/predict", "/upload", "/metrics")
CHANGES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "legacy": {"legacy_envelope": True},
    "two classes": {"classes": ("Ill", "Well"), "max_frames": 3},
    "no other origins": {"allowed_origins": (), "mirrored_input": True},
}
METHODS = {"get", "head", "post"}


def documented(settings: Settings, guarded: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """Of an instance that has every path that there can be."""
    changed = settings.model_copy(update=changes)
    return openapi_document(changed, paths_of(changed), guarded)


def paths_of(settings: Settings) -> dict[str, operations.PathItem]:
    return {
        "/predict": operations.predict(settings),
        "/upload": operations.upload(settings),
        "/health": operations.health(settings),
        "/live": operations.live(),
        "/metrics": operations.metrics(),
        "/": operations.demo_page(),
        "/openapi.json": operations.openapi(),
        "/docs": operations.docs(),
    }


def operations_of(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS & set(item):
            yield path, method, item[method]


def examples_of(document: dict[str, Any]) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Where each is, its value, and the schema it has to obey."""
    for path, method, operation in operations_of(document):
        contents = [*operation["responses"].values(), operation.get("requestBody", {})]
        for content in (content for each in contents for content in each.get("content", {}).values()):
            for name, example in content.get("examples", {}).items():
                yield f"{method} {path} {name}", example["value"], content["schema"]


def errors_in(value: Any, schema: dict[str, Any], document: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("guarded", [(), GUARDED])
@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_it_is_valid(settings: Settings, changes: dict[str, Any], guarded: tuple[str, ...]) -> None:
    validate(documented(settings, guarded, **changes))


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_every_example_obeys_its_schema(settings: Settings, changes: dict[str, Any]) -> None:
    document = documented(settings, GUARDED, **changes)
    examples = list(examples_of(document))

    assert len(examples) > 10
    for where, value, schema in examples:
        assert errors_in(value, schema, document) == [], where


def test_the_schemas_do_refuse(settings: Settings) -> None:
    document = documented(settings)
    ((answer, schema),) = (
        (value, schema) for _, value, schema in examples_of(document) if schema["$ref"].endswith("/PredictAnswer")
    )
    eye = answer["body"]["left_eye"]

    for field, wrong in (("best_prediction", "Ill"), ("confidence", 101), ("reasons", [5]), ("side", "middle")):
        changed = {**answer, "body": {**answer["body"], "left_eye": {**eye, field: wrong}}}
        assert errors_in(changed, schema, document), field


def test_it_has_version_licence_and_the_notice(settings: Settings) -> None:
    info = documented(settings)["info"]
    assert info["version"] == __version__
    assert info["license"]["identifier"] == "MIT"
    assert NOTICE in info["description"]


def test_limits_and_classes_are_those_of_the_settings(settings: Settings) -> None:
    document = documented(settings, max_frames=7, classes=("Ill", "Well"), max_body_mb=3)
    schemas = document["components"]["schemas"]

    assert schemas["Frames"]["maxItems"] == 7
    assert schemas["EyeAnswer"]["properties"]["average_scores"]["required"] == ["Ill", "Well"]
    assert schemas["EyeAnswer"]["properties"]["best_prediction"]["enum"] == ["Ill", "Well", "Not Detected"]
    assert "3 MiB" in document["paths"]["/predict"]["post"]["requestBody"]["description"]


def test_its_codes_are_those_of_the_service_and_its_gateway(settings: Settings) -> None:
    codes = documented(settings)["components"]["schemas"]["ErrorBody"]["properties"]["code"]["enum"]
    assert set(codes) == {error.code for error in errors_of_answers()} | {error.code for error in GATEWAY_ERRORS}
    assert codes == sorted(set(codes))


def test_each_code_is_shown_under_its_status(settings: Settings) -> None:
    document = documented(settings, GUARDED, allowed_hosts=("eyenet.example.org",))
    responses = document["paths"]["/predict"]["post"]["responses"]
    shown = {
        (int(status), example["value"]["body"]["code"])
        for status, answer in responses.items()
        for example in answer["content"]["application/json"]["examples"].values()
        if status != "200"
    }
    own = {(error.status, error.code) for error in errors_of_answers() if error.status != 404}
    assert shown == own | {(error.status, error.code) for error in GATEWAY_ERRORS}


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/predict", {"200", "400", "401", "403", "405", "413", "415", "429", "500", "502", "503", "504"}),
        ("/health", {"200", "405", "500", "503"}),
        ("/metrics", {"200", "401", "405", "500"}),
        ("/openapi.json", {"200", "304", "405", "500"}),
    ],
)
def test_a_route_has_the_statuses_that_it_gives(settings: Settings, path: str, statuses: set[str]) -> None:
    (method,) = {"post", "get"} & set(documented(settings)["paths"][path])
    assert set(documented(settings, GUARDED)["paths"][path][method]["responses"]) == statuses


def test_an_instance_that_has_names_says_what_another_name_is_answered_and_no_other_does(settings: Settings) -> None:
    named = documented(settings, allowed_hosts=("eyenet.example.org",))
    assert all("421" in operation["responses"] for _, _, operation in operations_of(named))
    assert not any("421" in operation["responses"] for _, _, operation in operations_of(documented(settings)))


# OpenAPI 3.1, "Server Object" and "Relative References in URLs": from where the document was fetched, a path appended.
@pytest.mark.parametrize(
    ("fetched_from", "route"),
    [
        ("http://localhost:8000/openapi.json", "http://localhost:8000/predict"),
        ("https://example.org/eyenet/openapi.json", "https://example.org/eyenet/predict"),
        ("https://example.org/a/b/openapi.json?v=1", "https://example.org/a/b/predict"),
    ],
)
def test_its_routes_are_beside_it_wherever_it_is(settings: Settings, fetched_from: str, route: str) -> None:
    (server,) = documented(settings)["servers"]
    assert urljoin(fetched_from, server["url"]).removesuffix("/") + "/predict" == route


@pytest.mark.parametrize(
    ("status", "header"),
    [("401", "WWW-Authenticate"), ("405", "Allow"), ("429", "Retry-After"), ("503", "Retry-After")],
)
def test_an_error_has_the_header_that_belongs_to_it(settings: Settings, status: str, header: str) -> None:
    responses = documented(settings, GUARDED)["paths"]["/upload"]["post"]["responses"]
    assert header in responses[status]["headers"]


def test_every_answer_has_a_request_id(settings: Settings) -> None:
    for path, method, operation in operations_of(documented(settings)):
        for status, answer in operation["responses"].items():
            assert "X-Request-ID" in answer["headers"], (method, path, status)


def test_without_keys_nothing_asks_for_one(settings: Settings) -> None:
    document = documented(settings)
    assert "securitySchemes" not in document["components"]
    for _, _, operation in operations_of(document):
        assert "security" not in operation
        assert "401" not in operation["responses"]


def test_with_keys_the_guarded_routes_take_one_in_either_header(settings: Settings) -> None:
    document = documented(settings, GUARDED)
    assert set(document["components"]["securitySchemes"]) == {"key", "bearer"}
    for path, _, operation in operations_of(document):
        assert ("401" in operation["responses"]) == (path in GUARDED)
        assert operation.get("security") == ([{"key": []}, {"bearer": []}] if path in GUARDED else None)


def test_the_legacy_envelope_is_described_as_it_answers(settings: Settings) -> None:
    document = documented(settings, GUARDED, legacy_envelope=True)
    # What the gateway says in the service's place is in no envelope.
    statuses_of_gateway = {str(error.status) for error in GATEWAY_ERRORS}
    assert statuses_of_gateway >= {"429", "502", "504"}
    for path in ("/predict", "/upload"):
        assert set(document["paths"][path]["post"]["responses"]) == {"200", *statuses_of_gateway}
        answer = document["paths"][path]["post"]["responses"]["200"]
        assert answer["content"]["application/json"]["schema"]["$ref"].endswith("LegacyAnswer")
        assert "WWW-Authenticate" not in answer["headers"]
    assert "503" in document["paths"]["/health"]["get"]["responses"]
    assert "LEGACY_ENVELOPE" in document["info"]["description"]
    assert "LegacyAnswer" not in documented(settings)["components"]["schemas"]


def test_only_what_is_served_is_described(settings: Settings) -> None:
    assert set(openapi_document(settings, {"/live": operations.live()})["paths"]) == {"/live"}


def test_every_operation_says_what_it_is_for_and_has_a_name_of_its_own(settings: Settings) -> None:
    document = documented(settings)
    names = [operation["operationId"] for _, _, operation in operations_of(document)]
    assert len(names) == len(set(names)) == sum(len(item) for item in paths_of(settings).values())
    for path, method, operation in operations_of(document):
        assert operation["summary"], (method, path)


def test_every_field_says_what_it_means(settings: Settings) -> None:
    schemas = documented(settings, legacy_envelope=True)["components"]["schemas"]
    silent = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, more in schema.get("properties", {}).items()
        if not more.get("description")
    ]
    assert silent == []


def test_head_is_get_without_a_body(settings: Settings) -> None:
    for path, method, operation in operations_of(documented(settings)):
        if method == "head":
            assert set(operation["responses"]) == set(documented(settings)["paths"][path]["get"]["responses"])
            assert not any("content" in answer for answer in operation["responses"].values())
