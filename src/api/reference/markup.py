"""Texts and JSON as HTML. Everything that comes in is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

import orjson

# Of pictures in examples, and of answers in the old envelope, which are texts that hold pictures.
_LONGEST_DATA_URI = 64
_LONGEST_TEXT = 160
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


def inline(text: str) -> str:
    """A line of plain Markdown: `code` and **strong**."""
    return _STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", escape(text)))


def blocks(text: str) -> str:
    """Paragraphs, between empty lines, and lines that open with "- "."""
    html = []
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n")
        prose = " ".join(line for line in lines if not line.startswith("- "))
        items = "".join(f"<li>{inline(line[2:])}</li>" for line in lines if line.startswith("- "))
        html.append((f"<p>{inline(prose)}</p>" if prose else "") + (f"<ul>{items}</ul>" if items else ""))
    return "".join(html)


def json_block(value: Any) -> str:
    """Indented; long texts are cut."""
    text = orjson.dumps(_shortened(value), option=orjson.OPT_INDENT_2).decode()
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """
    Args:
        head: plain text.
        rows: of cells that are HTML already; the first one names its row.
    """
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = ""
    for first, *others in rows:
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        body += f'<tr><th scope="row">{first}</th>{cells}</tr>'
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if not isinstance(value, str):
        return value
    longest = _LONGEST_DATA_URI if value.startswith("data:") else _LONGEST_TEXT
    return value if len(value) <= longest else f"{value[:longest]}..."
