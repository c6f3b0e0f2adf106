"""The files of the demo page, read once: what is served afterwards is memory, and no path reaches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from src.core.errors import StartupError

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
_TAG_DIGITS = 32


@dataclass(frozen=True, slots=True)
class PageFile:
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


def read_page_files(folder: Path) -> dict[str, PageFile]:
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
        raise StartupError(f"{folder / INDEX} is missing: restore it, or set DEMO_PAGE=false.")
    return files


def _page_file(content: bytes, content_type: str) -> PageFile:
    tag = f'"{hashlib.sha256(content).hexdigest()[:_TAG_DIGITS]}"'
    headers = {
        "Content-Type": content_type,
        "ETag": tag,
        # Kept by the browser, but asked about each time: a new version is seen at once, an old one costs no bytes.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    return PageFile(content, tag, headers)
