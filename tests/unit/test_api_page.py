"""What docs/api.md says is what the OpenAPI document says; the README shows what that page shows, and stays short."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from src import __version__
from src.api.app import routes_of
from src.api.context import ApiContext
from src.api.cors import _EXPOSED_HEADERS
from src.api.openapi.document import openapi_document
from src.api.openapi.schemas import GATEWAY_ERRORS
from src.config.settings import PROJECT_ROOT, Settings
from src.core.errors import errors_of_answers
from src.core.stage_times import Stage
from src.core.wording import REASONS

PAGE = (PROJECT_ROOT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"<!-- schema: (\w+) -->\n```json\n(.*?)```", PAGE, re.DOTALL)
FIELD_TABLES = re.findall(r"<!-- fields: ([\w ]+) -->\n(.*?)\n\n", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def document(settings: Settings) -> dict[str, Any]:
    changed = settings.model_copy(update={"legacy_envelope": True})
    return openapi_document(
        changed, {route.path: route.openapi for route in routes_of(ApiContext(changed)) if route.openapi}
    )


def uncut(value: Any) -> Any:
    """On the page, the dots in the end of a picture stand for the rest of it."""
    if isinstance(value, dict):
        return {key: uncut(item) for key, item in value.items()}
    if isinstance(value, list):
        return [uncut(item) for item in value]
    return value.removesuffix("...") if isinstance(value, str) else value


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_obeys_its_schema_and_has_every_field(document: dict[str, Any], name: str, text: str) -> None:
    assert PAGE.count("```json") == len(EXAMPLES) == 7
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    example = json.loads(text)
    assert [error.message for error in Draft202012Validator(schema).iter_errors(uncut(example))] == []
    if isinstance(example, dict):
        assert list(example) == list(document["components"]["schemas"][name]["properties"])


@pytest.mark.parametrize(("names", "table"), FIELD_TABLES, ids=[names for names, _ in FIELD_TABLES])
def test_a_table_of_fields_has_them_all(document: dict[str, Any], names: str, table: str) -> None:
    for name in names.split():
        for field in document["components"]["schemas"][name]["properties"]:
            assert f"`{field}`" in table, f"{name}.{field}"


def test_every_route_is_in_the_table(document: dict[str, Any]) -> None:
    rows = re.findall(r"^\| `(GET|POST) (/\S*)` \|", PAGE, re.MULTILINE)
    operations = {
        (path, method) for path, item in document["paths"].items() for method in ("get", "post") if method in item
    }
    assert {(path, method.lower()) for method, path in rows} == operations


def test_every_code_is_there_with_its_status_and_what_to_do() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE)
    own = [(str(error.status), error.code, error.advice) for error in errors_of_answers()]
    assert rows == own + [(str(error.status), error.code, error.advice) for error in GATEWAY_ERRORS]


def test_every_reason_is_there_with_its_setting() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|(?: `([A-Z_]+)`)? \|$", PAGE, re.MULTILINE)
    assert [(name, f"{meaning} ({setting})" if setting else meaning) for name, meaning, setting in rows] == [
        (reason.value, words.meaning) for reason, words in REASONS.items()
    ]


def test_limits_origins_headers_stages_and_version_are_the_services(settings: Settings) -> None:
    assert f"{settings.max_body_mb} MiB a body | `MAX_BODY_MB`" in PAGE
    assert f"{settings.max_frames} frames | `MAX_FRAMES`" in PAGE
    assert f"1 to {settings.max_frames} frames" in PAGE
    assert f"{settings.max_image_pixels // 1_000_000} million pixels a picture | `MAX_IMAGE_PIXELS`" in PAGE
    for name in (*settings.allowed_origins, *settings.cors_allowed_headers, *_EXPOSED_HEADERS.split(", ")):
        assert f"`{name}`" in PAGE.split("## From a browser")[1]
    assert all(f"`{stage.value}`" in PAGE for stage in Stage)
    assert f'"version": "{__version__}"' in PAGE


README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 150
MOST_WORDS = 1500


def test_it_is_read_in_a_few_minutes() -> None:
    """Words as `wc -w` counts them, code and tables included."""
    assert len(README.splitlines()) <= MOST_LINES
    assert len(README.split()) <= MOST_WORDS


def test_it_has_the_routes_of_the_api_page() -> None:
    """In one table, of which the API page has the same paths."""

    def routes(text: str) -> set[str]:
        return {
            route for row in re.findall(r"^\| (`(?:GET|POST) /.*?) \|", text, re.MULTILINE) for route in row.split(", ")
        }

    page = (PROJECT_ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert routes(README) == routes(page)


def test_its_answer_is_the_one_of_the_api_page() -> None:
    """But for the pictures, which are cut."""
    (shown,) = re.findall(r"```json\n(.*?)```", README, re.DOTALL)
    (answer,) = (text for name, text in EXAMPLES if name == "UploadAnswer")

    def without_pictures(text: str) -> object:
        return re.sub(r'("data:image/png;base64,)[^"]*"', r'\1"', json.dumps(uncut(json.loads(text))))

    assert without_pictures(shown) == without_pictures(answer)


def test_what_must_not_be_overlooked_stands_in_it() -> None:
    """The notice, the licence that excludes commercial use, what was not run, where the model fails: a line each."""
    for line in ("It is not a medical device.", "excludes commercial use", "**Not run**", "**Where the model fails**"):
        assert README.count(line) == 1, line
