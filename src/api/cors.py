"""Cross-origin headers: exactly the allowed origins, one echoed.

Fetch standard, "CORS protocol"; Resource Timing, "Cross-origin resources", for Timing-Allow-Origin.
"""

from __future__ import annotations

from collections.abc import Collection

_PREFLIGHT_LIFETIME_SECONDS = "600"
_ALLOWED_REQUEST_HEADERS = "Content-Type, X-Request-ID, X-API-Key, Authorization"
_EXPOSED_HEADERS = "X-Request-ID, Retry-After, Server-Timing"


class CorsPolicy:
    """Says which headers an answer to a page of some origin carries."""

    def __init__(self, allowed_origins: Collection[str]) -> None:
        self._allowed_origins = frozenset(allowed_origins)

    def headers(self, origin: str | None) -> dict[str, str]:
        """For any answer. A foreign origin gets no permission; its browser then keeps the answer from the page."""
        # Without Vary, a cache could hand one origin the answer made for another.
        if origin not in self._allowed_origins or origin is None:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
            # Without it, browsers hide Server-Timing from the page's own measurements.
            "Timing-Allow-Origin": origin,
        }

    def preflight_headers(self, origin: str | None, methods: str) -> dict[str, str]:
        """For the answer to OPTIONS on a route that has these methods."""
        headers = self.headers(origin)
        if "Access-Control-Allow-Origin" in headers:
            headers["Access-Control-Allow-Methods"] = methods
            headers["Access-Control-Allow-Headers"] = _ALLOWED_REQUEST_HEADERS
            headers["Access-Control-Max-Age"] = _PREFLIGHT_LIFETIME_SECONDS
        return headers
