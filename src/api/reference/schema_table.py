"""Schemas as tables of their fields."""

from __future__ import annotations

from html import escape
from typing import Any

from src.api.reference.markup import blocks, inline, table

_PREFIX = "#/components/schemas/"
_LIMITS = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "minItems": "{} items or more",
    "maxItems": "{} items or fewer",
    "minLength": "{} characters or more",
}


def schema_section(name: str, schema: dict[str, Any]) -> str:
    """What there is to know of one schema, under an anchor with its name."""
    text = blocks(schema["description"]) if "description" in schema else ""
    fields = schema.get("properties")
    if fields is None:
        kind = f"<p>{type_of(schema)}</p>"
        return f'<section class="schema" id="schema-{name}"><h3>{name}</h3>{text}{kind}</section>'
    required = set(schema.get("required", ()))
    rows = [
        (
            f"<code>{escape(field)}</code>",
            type_of(more) + ("" if field in required else ' <span class="small">may be missing</span>'),
            inline(more.get("description", "")),
        )
        for field, more in fields.items()
    ]
    return (
        f'<section class="schema" id="schema-{name}"><h3>{name}</h3>{text}{table(("field", "type", "meaning"), rows)}'
        "</section>"
    )


def type_of(schema: dict[str, Any]) -> str:
    """HTML: the type in words, with links to other schemas."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(type_of(option) for option in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        codes = ", ".join(f"<code>{escape(str(value))}</code>" for value in values)
        return f"one of {codes}" if len(values) > 1 else f"always {codes}"
    if schema["type"] == "array":
        return f"array of {type_of(schema['items'])}{_limits(schema)}"
    if schema["type"] == "object" and isinstance(schema.get("properties"), dict):
        names = ", ".join(f"<code>{escape(name)}</code>" for name in schema["properties"])
        (kind,) = {type_of(more) for more in schema["properties"].values()}
        return f"object of {names}, each {kind}"
    return f"{schema['type']}{_limits(schema)}"


def _limits(schema: dict[str, Any]) -> str:
    limits = [text.format(schema[limit]) for limit, text in _LIMITS.items() if limit in schema]
    return f" <span class='small'>({', '.join(limits)})</span>" if limits else ""
