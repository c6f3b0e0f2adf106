"""The files of the documentation: `/openapi.json`, and the same as a page at `/docs`. Made once, at start."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable

import orjson

from src.api.openapi.document import openapi_document
from src.api.reference.page import reference_page
from src.api.static_file import StaticFile, static_file
from src.config.settings import ASSETS_DIR, Settings
from src.core.errors import StartupError

_OPENAPI_PATH = "/openapi.json"
_PAGE_PATH = "/docs"
# Colours and type are the demo page's.
_STYLES = (ASSETS_DIR / "web" / "theme.css", ASSETS_DIR / "docs" / "docs.css")
DOCUMENT_PATHS = (_OPENAPI_PATH, _PAGE_PATH)
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def document_files(
    settings: Settings, other_paths: Iterable[str], guarded: Collection[str] = ()
) -> dict[str, StaticFile]:
    """By their paths.

    Args:
        settings: of this instance.
        other_paths: what it serves beside these files; other files of pages left out.
        guarded: the paths that need a key, these ones included.

    Raises:
        StartupError: a file that they are made of is missing.
        KeyError: one of the paths is not documented.
    """
    try:
        return _made_of_files(settings, [*other_paths, *DOCUMENT_PATHS], guarded)
    except OSError as error:
        raise StartupError(f"{error.filename} cannot be read: {error.strerror}. Restore it.") from None


def _made_of_files(settings: Settings, paths: Iterable[str], guarded: Collection[str]) -> dict[str, StaticFile]:
    document = openapi_document(settings, paths, guarded)
    # The page has no script, and no style but this one.
    style = "".join(file.read_text(encoding="utf-8") for file in _STYLES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    only_own_style = f"{_NOTHING}; style-src 'sha256-{digest}'; img-src data:"
    page = reference_page(document, style, openapi_path=_OPENAPI_PATH.removeprefix("/"))
    return {
        _OPENAPI_PATH: static_file(orjson.dumps(document), "application/json", _NOTHING),
        _PAGE_PATH: static_file(page.encode(), "text/html; charset=utf-8", only_own_style),
    }
