"""HTML out of templates (Jinja2): whatever goes in is escaped, unless it is HTML that a template of ours made."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape


def render_template(file: Path, *, escape: bool = True, **values: Any) -> str:
    """The template's text with these values in it; it may include and extend its neighbours.

    Without `escape`, for what is no HTML, values go in as they are.

    Raises:
        OSError: there is no such file.
        jinja2.UndefinedError: it names a value that is not there.
    """
    environment = Environment(
        loader=FileSystemLoader(file.parent),
        autoescape=select_autoescape(default=escape, default_for_string=escape),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(file.read_text(encoding="utf-8")).render(**values)


def source_hash(text: str) -> str:
    """By which a Content-Security-Policy lets this very script or style in (CSP 3, section 6.7.3)."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"
