"""The whole page."""

from __future__ import annotations

from html import escape
from typing import Any

from src.api.reference.markup import blocks, inline, json_block, table
from src.api.reference.schema_table import schema_section, type_of


def reference_page(document: dict[str, Any], style: str, openapi_path: str) -> str:
    """
    Args:
        document: the OpenAPI document; every reference in its responses' headers is to a component.
        style: CSS, which goes into the page.
        openapi_path: where the document is, relative to the page.
    """
    info = document["info"]
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post")
    ]
    links = "".join(
        f'<li><a href="#{operation["operationId"]}"><span class="method">{method.upper()}</span> '
        f"<code>{escape(path)}</code></a></li>"
        for path, method, operation in operations
    )
    sections = "".join(
        _operation(path, method, operation, has_head="head" in document["paths"][path], document=document)
        for path, method, operation in operations
    )
    schemas = "".join(schema_section(name, schema) for name, schema in document["components"]["schemas"].items())
    headers = table(
        ("header", "meaning"),
        (
            (f"<code>{name}</code>", inline(header["description"]))
            for name, header in document["components"]["headers"].items()
        ),
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])} {escape(info["version"])}: API</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<p class="notice"><strong>Not a medical device.</strong> It does not replace an examination.</p>
<div class="columns">
<nav aria-label="Routes"><ul>{links}
<li><a href="#schemas">Schemas</a></li><li><a href="#headers">Headers</a></li></ul></nav>
<main id="main">
<h1>{escape(info["title"])} <span class="small">{escape(info["version"])}</span></h1>
<p class="lead">{inline(info["summary"])}</p>
{blocks(info["description"])}
<p>The same for programs: <a href="{escape(openapi_path)}">{escape(openapi_path)}</a>
(OpenAPI {escape(document["openapi"])}). {escape(info["license"]["name"])} licence.</p>
{sections}
<section id="schemas"><h2>Schemas</h2>{schemas}</section>
<section id="headers"><h2>Headers of answers</h2>{headers}</section>
</main>
</div>
</body>
</html>
"""


def _operation(path: str, method: str, operation: dict[str, Any], *, has_head: bool, document: dict[str, Any]) -> str:
    needs_key = "security" in operation
    parts = [
        f'<section class="operation" id="{operation["operationId"]}">',
        f'<h2><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h2>',
        f'<p class="lead">{inline(operation["summary"])}</p>',
        blocks(operation["description"]) if "description" in operation else "",
        "<p>HEAD answers the same without a body.</p>" if has_head else "",
        '<p class="lock"><span aria-hidden="true">&#128274;</span> Needs a key.</p>' if needs_key else "",
        _parameters(path, operation, document),
        _request(operation),
        "<h3>Answers</h3>",
        *(_response(status, answer) for status, answer in operation["responses"].items()),
        "</section>",
    ]
    return "".join(parts)


def _parameters(path: str, operation: dict[str, Any], document: dict[str, Any]) -> str:
    shared = [
        document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]
        for parameter in document["paths"][path]["parameters"]
    ]
    parameters = [*shared, *operation.get("parameters", ())]
    rows = ((f"<code>{escape(each['name'])}</code>", inline(each["description"])) for each in parameters)
    return f"<h3>Headers to send, if you like</h3>{table(('header', 'meaning'), rows)}"


def _request(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    body = operation["requestBody"]
    html = f"<h3>Body</h3><p>{inline(body['description'])}</p>"
    for media_type, content in body["content"].items():
        html += f"<p><code>{escape(media_type)}</code>: {type_of(content['schema'])}</p>"
        html += "".join(
            _example(f"Example: {example['summary']}", example["value"]) for example in content["examples"].values()
        )
    return html


def _response(status: str, answer: dict[str, Any]) -> str:
    parts = [f"<p>{inline(answer['description'])}</p>"]
    names = ", ".join(f"<code>{name}</code>" for name in answer["headers"])
    parts.append(f'<p class="small">Headers: {names}</p>')
    for media_type, content in answer.get("content", {}).items():
        parts.append(f"<p><code>{escape(media_type)}</code>: {type_of(content['schema'])}</p>")
        examples = content.get("examples", {})
        if int(status) >= 400 and all("body" in example["value"] for example in examples.values()):
            parts.append(_codes(example for example in examples.values()))
        parts += [_example(example["summary"], example["value"]) for example in list(examples.values())[:1]]
    is_open = " open" if status == "200" else ""
    return (
        f'<details{is_open}><summary><span class="status s{status[0]}">{status}</span> '
        f"{inline(answer['description'])}</summary>{''.join(parts[1:])}</details>"
    )


def _codes(examples: Any) -> str:
    rows = (
        (f"<code>{escape(example['value']['body']['code'])}</code>", inline(example["summary"])) for example in examples
    )
    return table(("code", "what to do"), rows)


def _example(summary: str, value: Any) -> str:
    return f'<figure><figcaption class="small">{inline(summary)}</figcaption>{json_block(value)}</figure>'
