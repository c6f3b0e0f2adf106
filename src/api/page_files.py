"""The files of the demo page, read once: what is served afterwards is memory, and no path reaches the disk."""

from __future__ import annotations

from pathlib import Path

from src.api.static_file import StaticFile, static_file
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
