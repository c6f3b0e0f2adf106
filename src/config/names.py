"""Names of hosts and of headers, as settings list them."""

from __future__ import annotations

import re

# RFC 9110, section 5.6.2, but for the * that means all headers to a browser.
_TOKEN = re.compile(r"[!#$%&'+.^_`|~0-9A-Za-z-]+")
# RFC 1123, section 2.1, and the _ that names of containers have.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")


def check_host_names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    """The names in lower case.

    Raises:
        ValueError: one is not a host's name. The text says what is.
    """
    names = tuple(host.lower() for host in hosts)
    if not all(_HOST.fullmatch(name) for name in names):
        raise ValueError(
            "takes host names such as eyenet.example.org, or *.example.org for all names below it: no scheme, no port"
        )
    return names


def check_header_names(headers: tuple[str, ...]) -> tuple[str, ...]:
    """
    Raises:
        ValueError: one cannot be the name of a header. The text says what can.
    """
    if not all(_TOKEN.fullmatch(header) for header in headers):
        raise ValueError("takes names of headers such as Content-Type, separated by commas, no *")
    return headers
