"""A file that is served from memory: no path reaches the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

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
