"""Pages of other origins: who may send what here, and read the answer. Exactly the allowed origins, one echoed.

Fetch standard, "CORS protocol"; Resource Timing, "Cross-origin resources", for Timing-Allow-Origin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from src.core.errors import OriginNotAllowed

_PREFLIGHT_LIFETIME_SECONDS = "600"
_EXPOSED_HEADERS = "X-Request-ID, Retry-After, Server-Timing"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class CorsPolicy:
    """Says which pages may have something computed, and which headers an answer to a page of some origin carries."""

    def __init__(self, allowed_origins: Collection[str], allowed_headers: Collection[str]) -> None:
        self._allowed_origins = frozenset(allowed_origins)
        self._allowed_headers = ", ".join(allowed_headers)

    def check(self, header: Callable[[str], str | None]) -> None:
        """Lets in whoever is no page, the service's own pages, and those of the allowed origins.

        A browser asks before it sends JSON, but forms and plain text it sends for any page, and then only keeps the
        answer from it.

        Args:
            header: gives a header's value by its name in lower case, or None.

        Raises:
            OriginNotAllowed: a page of another origin sent this.
        """
        origin = header("origin")
        if origin is not None and origin not in self._allowed_origins and origin != _own_origin(header):
            raise OriginNotAllowed

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
            headers["Access-Control-Allow-Headers"] = self._allowed_headers
            headers["Access-Control-Max-Age"] = _PREFLIGHT_LIFETIME_SECONDS
        return headers


def _own_origin(header: Callable[[str], str | None]) -> str:
    """The origin of this service as a browser has it that asked like this (RFC 6454, section 6.2)."""
    # From the gateway. A page cannot send it without asking first.
    scheme = (header("x-forwarded-proto") or "http").partition(",")[0].strip().lower()
    host = (header("host") or "").lower()
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ''))}"
