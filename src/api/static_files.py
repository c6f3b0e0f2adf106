"""The pages and documents: read or made once and served from memory, so that no path reaches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from robyn import Request

from src.api.access import Access
from src.api.answers import HttpAnswer
from src.api.endpoint import Handler, Route
from src.api.openapi import operations
from src.api.openapi.document import openapi_document
from src.api.openapi.page import reference_page
from src.config.settings import ASSETS_DIR, Settings
from src.core.errors import StartupError
from src.core.stage_times import StageTimes
from src.utils.templates import source_hash

_PAGE_PATH = "/"
_PAGE_PREFIX = "/assets/web"
_INDEX = "index.html"
_OPENAPI_PATH = "/openapi.json"
_DOCS_PATH = "/docs"
# Colours and type are the demo page's.
_DOCS_STYLES = (ASSETS_DIR / "web" / "theme.css", ASSETS_DIR / "docs" / "docs.css")

# Nothing but the page's own origin, no inline script or style, no frame around the page. Pictures are shown from data
# URIs (the answers) and blobs (what the user picked).
_PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_TAG_DIGITS = 32


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file with what its answers say of it.

    Attributes:
        content: its bytes.
        tag: a strong entity tag (RFC 9110, section 8.8.3), quotes included.
        headers: of every answer with or about the file.
    """

    content: bytes
    tag: str
    headers: Mapping[str, str]

    def is_tagged(self, if_none_match: str | None) -> bool:
        """Whether an If-None-Match header names this very content (RFC 9110, section 13.1.2)."""
        if if_none_match is None:
            return False
        # The comparison is the weak one: a gateway that compresses makes strong tags weak.
        tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return bool(tags & {self.tag, "*"})


def static_file(
    content: bytes, content_type: str, content_security_policy: str, more_headers: Mapping[str, str] | None = None
) -> StaticFile:
    """
    Args:
        content: its bytes.
        content_type: with the charset, where it is text.
        content_security_policy: what a page in it may load and do.
        more_headers: beside those that every file has.
    """
    tag = f'"{hashlib.sha256(content).hexdigest()[:_TAG_DIGITS]}"'
    headers = {
        "Content-Type": content_type,
        "ETag": tag,
        # Kept by the browser, but asked about each time: a new version is seen at once, an old one costs no bytes.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        **(more_headers or {}),
    }
    return StaticFile(content, tag, headers)


def demo_page_routes(folder: Path = ASSETS_DIR / "web") -> list[Route]:
    """The demo page, and one path for each of its files, so that no other can be asked for.

    Raises:
        StartupError: there is no index.html.
    """
    files = read_page_files(folder)
    page = _file_route(_PAGE_PATH, files.pop(_INDEX), Access.OPEN, operations.demo_page())
    return [page, *(_file_route(f"{_PAGE_PREFIX}/{name}", file, Access.OPEN) for name, file in files.items())]


def read_page_files(folder: Path) -> dict[str, StaticFile]:
    """The page's files by name; what else lies in the folder is left alone.

    Raises:
        StartupError: there is no index.html.
    """
    permissions = {"Permissions-Policy": "camera=(self), microphone=(), geolocation=()"}
    files = {
        file.name: static_file(file.read_bytes(), _CONTENT_TYPES[file.suffix], _PAGE_POLICY, permissions)
        for file in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if file.suffix in _CONTENT_TYPES and file.is_file() and not file.is_symlink()
    }
    if _INDEX not in files:
        raise StartupError(f"{folder / _INDEX} is missing: restore it.")
    return files


def document_routes(settings: Settings, routes: Sequence[Route]) -> list[Route]:
    """`/openapi.json`, and the same as a page at `/docs`. Made once, at start.

    Args:
        settings: of this instance.
        routes: what it serves beside these two.

    Raises:
        StartupError: a file that they are made of is missing.
    """
    access = Access.open_if(settings.public_docs)
    own = {_OPENAPI_PATH: operations.openapi(), _DOCS_PATH: operations.docs()}
    described = {**{route.path: route.openapi for route in routes if route.openapi}, **own}
    guarded = {route.path for route in routes if route.access is Access.GUARDED}
    if access is Access.GUARDED:
        guarded.update(own)
    document = openapi_document(settings, described, guarded if settings.api_keys else ())
    try:
        style = "".join(file.read_text(encoding="utf-8") for file in _DOCS_STYLES)
        page = reference_page(document, style)
    except OSError as error:
        raise StartupError(f"{error.filename} cannot be read: {error.strerror}. Restore it.") from None
    # The page has no script, and no style but this one.
    only_own_style = f"{_NOTHING}; style-src {source_hash(style)}; img-src data:"
    files = {
        _OPENAPI_PATH: static_file(orjson.dumps(document), "application/json", _NOTHING),
        _DOCS_PATH: static_file(page.encode(), "text/html; charset=utf-8", only_own_style),
    }
    return [_file_route(path, file, access, own[path]) for path, file in files.items()]


def _file_route(path: str, file: StaticFile, access: Access, openapi: operations.PathItem | None = None) -> Route:
    handler = _file_handler(file)
    # The files of the page are counted together.
    counted_as = path if openapi else _PAGE_PREFIX
    return Route(path, {"GET": handler, "HEAD": handler}, access, openapi or {}, counted_as)


def _file_handler(file: StaticFile) -> Handler:
    async def static_file(request: Request, _times: StageTimes) -> HttpAnswer:
        if file.is_tagged(request.headers.get("if-none-match")):
            headers = {name: text for name, text in file.headers.items() if name != "Content-Type"}
            return HttpAnswer(304, headers=headers)
        return HttpAnswer(200, file.content, dict(file.headers))

    return static_file
