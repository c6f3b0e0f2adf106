"""The OpenAPI document as one HTML page for people: no script, nothing from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import orjson

from src.config.settings import ASSETS_DIR
from src.utils.templates import render_template

_TEMPLATE = ASSETS_DIR / "docs" / "page.html"
# Of pictures in examples, and of answers in the old envelope, which are texts that hold pictures.
_LONGEST_DATA_URI = 64
_LONGEST_TEXT = 160
_SPAN = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<strong>[^*]+)\*\*|(?P<text>[^`*]+|[`*])")
_LIMITS = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "minItems": "{} items or more",
    "maxItems": "{} items or fewer",
    "minLength": "{} characters or more",
}


def reference_page(document: dict[str, Any], style: str) -> str:
    """
    Args:
        document: the OpenAPI document.
        style: CSS, which goes into the page.

    Raises:
        OSError: the template is missing.
    """
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post")
    ]
    page = render_template(
        _TEMPLATE,
        **document,
        operations=operations,
        style=style,
        spans=_spans,
        paragraphs=_paragraphs,
        limits=_limits,
        shown_json=_shown_json,
    )
    # The template opens with its macros, and their lines are left.
    return page.lstrip()


def _spans(text: str) -> list[tuple[str, str]]:
    """A line of plain Markdown as (tag, text): `code`, **strong**, and, with an empty tag, what is between."""
    kinds = {"code": "code", "strong": "strong", "text": ""}
    return [(kinds[str(span.lastgroup)], span[str(span.lastgroup)]) for span in _SPAN.finditer(text)]


def _paragraphs(text: str) -> list[tuple[str, list[str]]]:
    """Of plain Markdown, between empty lines: the prose, and the lines that open with "- "."""
    lines = [paragraph.split("\n") for paragraph in text.split("\n\n")]
    return [
        (
            " ".join(line for line in paragraph if not line.startswith("- ")),
            [line[2:] for line in paragraph if line.startswith("- ")],
        )
        for paragraph in lines
    ]


def _limits(schema: dict[str, Any]) -> list[str]:
    return [text.format(schema[limit]) for limit, text in _LIMITS.items() if limit in schema]


def _shown_json(value: Any) -> str:
    """Indented; long texts are cut."""
    return orjson.dumps(_shortened(value), option=orjson.OPT_INDENT_2).decode()


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if not isinstance(value, str):
        return value
    longest = _LONGEST_DATA_URI if value.startswith("data:") else _LONGEST_TEXT
    return value if len(value) <= longest else f"{value[:longest]}..."
