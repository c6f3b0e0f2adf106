"""The page shows all of the document, and takes nothing from elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from src.api.app import routes_of
from src.api.context import ApiContext
from src.api.openapi.document import openapi_document
from src.api.openapi.page import reference_page
from src.config.settings import Settings

EMPTY = {"meta", "link", "br", "img"}


class Tags(HTMLParser):
    """Notes every id, link and tag, and that each tag is closed by itself."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


@pytest.fixture(params=[False, True], ids=["plain", "legacy"])
def document(settings: Settings, request: pytest.FixtureRequest) -> dict[str, Any]:
    changed = settings.model_copy(update={"legacy_envelope": request.param})
    paths = {route.path: route.openapi for route in routes_of(ApiContext(changed)) if route.openapi}
    return openapi_document(changed, paths, guarded=("/predict",))


@pytest.fixture
def page(document: dict[str, Any]) -> str:
    return reference_page(document, "p { color: red; }")


def test_its_links_lead_somewhere_and_nothing_comes_from_elsewhere(page: str) -> None:
    tags = Tags(page)
    assert len(tags.ids) == len(set(tags.ids))
    anchors = {link.removeprefix("#") for link in tags.links if link.startswith("#")}
    assert len(anchors) > 20
    assert anchors <= set(tags.ids)
    assert {link for link in tags.links if not link.startswith("#")} == {"data:,"}
    assert not tags.tags & {"script", "iframe", "img", "form"}


def test_every_route_schema_header_and_code_is_there(page: str, document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        assert f"<code>{path}</code>" in page
        assert all(operation["operationId"] in page for method, operation in item.items() if method in ("get", "post"))
    components = document["components"]
    for name, schema in components["schemas"].items():
        assert f'id="schema-{name}"' in page
        for field in schema.get("properties", {}):
            assert f"<code>{field}</code>" in page
    for code in components["schemas"]["ErrorBody"]["properties"]["code"]["enum"]:
        assert f"<code>{code}</code>" in page
    for header in components["headers"]:
        assert f"<code>{header}</code>" in page


def test_it_says_that_it_is_no_medical_device_and_which_routes_need_a_key(page: str) -> None:
    assert "Not a medical device." in page
    assert page.count("Needs a key.") == 1


def test_pictures_in_examples_are_cut(page: str) -> None:
    assert "base64," in page
    assert not re.search(r"[A-Za-z0-9+/=]{80}", page)


def small_page(**schema: Any) -> str:
    """Of a document that has nothing but one schema."""
    info = {"title": "A", "version": "1", "summary": "S", "description": "D", "license": {"name": "MIT"}}
    components = {"schemas": {"Thing": schema}, "headers": {}, "parameters": {}}
    document = {"openapi": "3.1.0", "info": info, "paths": {}, "components": components}
    page = re.sub(r"\s+", " ", reference_page(document, ""))
    return re.sub(r" ?(</?(?:p|ul|li|td|section)[^>]*>) ?", r"\1", page)


def test_what_comes_in_is_escaped() -> None:
    evil = '<img src=x onerror="alert(1)">'
    field = {"type": "string", "description": f"{evil} `{evil}` **{evil}**"}
    page = small_page(description=f"{evil}\n- {evil}", properties={evil: field, "other": {"enum": [evil, 1]}})
    assert page.count("&lt;img") == 7
    assert "<img" not in page


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a `b` **c**", "<p>a <code>b</code> <strong>c</strong></p>"),
        ("a\n\nb", "<p>a</p><p>b</p>"),
        ("a\n- b\n- `c`", "<p>a</p><ul><li>b</li><li><code>c</code></li></ul>"),
    ],
)
def test_descriptions_become_paragraphs_and_lists(text: str, html: str) -> None:
    assert html in small_page(type="object", description=text)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "#/components/schemas/Eye"}, '<a href="#schema-Eye">Eye</a>'),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, "number or null"),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 3}, "array of string (3 items or fewer)"),
        ({"enum": ["a", "b"], "type": "string"}, "one of a, b"),
        ({"const": 200}, "always 200"),
        ({"type": "object", "properties": {"a": {"type": "number"}}}, "object of a, each number"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object"),
    ],
)
def test_a_type_is_told_in_words(schema: dict[str, Any], words: str) -> None:
    page = re.sub(r"</?(code|span)[^>]*>", "", small_page(properties={"field": schema}, required=["field"]))
    assert re.search(rf"<td>{re.escape(words)}</td>", page), page
