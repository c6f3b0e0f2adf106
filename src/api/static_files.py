"""The pages and documents: read or made once and served from memory, so that no path reaches the disk."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from robyn import Request

from src.api.endpoint import Handler
from src.api.envelope import Answer
from src.api.openapi.document import openapi_document
from src.api.reference.page import reference_page
from src.config.settings import ASSETS_DIR, Settings
from src.core.errors import StartupError
from src.core.stage_times import StageTimes

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


def static_file(content: bytes, content_type: str, content_security_policy: str, **headers: str) -> StaticFile:
    """
    Args:
        content: its bytes.
        content_type: with the charset, where it is text.
        content_security_policy: what a page in it may load and do.
        **headers: more of them, `_` in their names standing for `-`.
    """
    tag = f'"{hashlib.sha256(content).hexdigest()[:_TAG_DIGITS]}"'
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    all_headers = {
        "Content-Type": content_type,
        "ETag": tag,
        # Kept by the browser, but asked about each time: a new version is seen at once, an old one costs no bytes.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": content_security_policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        **more,
    }
    return StaticFile(content, tag, all_headers)


def static_file_handler(file: StaticFile) -> Handler:
    async def static_file(request: Request, _times: StageTimes) -> Answer:
        if file.is_tagged(request.headers.get("if-none-match")):
            return Answer(304, headers={name: text for name, text in file.headers.items() if name != "Content-Type"})
        return Answer(200, file.content, dict(file.headers))

    return static_file


INDEX = "index.html"

# Nothing but the page's own origin, no inline script or style, no frame around the page. Pictures are shown from data
# URIs (the answers) and blobs (what the user picked).
_CONTENT_SECURITY_POLICY = "; ".join(
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
_CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def read_page_files(folder: Path) -> dict[str, StaticFile]:
    """The page's files by name; what else lies in the folder is left alone.

    Raises:
        StartupError: there is no index.html.
    """
    files = {
        file.name: _page_file(file.read_bytes(), _CONTENT_TYPES[file.suffix])
        for file in (sorted(folder.iterdir()) if folder.is_dir() else ())
        if file.suffix in _CONTENT_TYPES and file.is_file() and not file.is_symlink()
    }
    if INDEX not in files:
        raise StartupError(f"{folder / INDEX} is missing: restore it.")
    return files


def _page_file(content: bytes, content_type: str) -> StaticFile:
    return static_file(
        content,
        content_type,
        _CONTENT_SECURITY_POLICY,
        Permissions_Policy="camera=(self), microphone=(), geolocation=()",
    )


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
