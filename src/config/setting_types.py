"""What the texts of settings are made into, and what is wrong with those that cannot be."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

_DEFAULT_PORTS = {"http": 80, "https": 443}
_SHORTEST_KEY = 16
# What an Authorization header may carry after Bearer (RFC 6750, section 2.1).
_KEY = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_KEY_NAME = re.compile(r"[A-Za-z0-9_-]{0,32}")
# RFC 9110, section 5.6.2, but for the * that means all headers to a browser.
_TOKEN = re.compile(r"[!#$%&'+.^_`|~0-9A-Za-z-]+")
# RFC 1123, section 2.1, and the _ that names of containers have.
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?{_LABEL}(\.{_LABEL})*")


def _split_on_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _check_classes(classes: tuple[str, ...]) -> tuple[str, ...]:
    if len(classes) < 2:
        raise ValueError("needs two or more names, separated by commas")
    if len(set(classes)) != len(classes):
        raise ValueError("names a class twice")
    return classes


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if not _is_origin(origin):
            raise ValueError(
                "takes origins as browsers send them, such as https://app.example.org or http://localhost:5173: lower "
                "case, no path, no port 80 or 443, no *"
            )
    return origins


def _is_origin(text: str) -> bool:
    """Whether the text is a serialised http origin (RFC 6454, section 6.2)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or port == _DEFAULT_PORTS[parts.scheme]:
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return text == f"{parts.scheme}://{host}" + ("" if port is None else f":{port}")


def _check_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    for key in keys:
        name, secret = split_key(key)
        if len(secret) < _SHORTEST_KEY:
            raise ValueError(f"every key needs {_SHORTEST_KEY} characters or more")
        if not _KEY.fullmatch(secret):
            raise ValueError("keys consist of letters, digits and -._~+/, and may end in =")
        if not _KEY_NAME.fullmatch(name):
            raise ValueError("names of keys consist of up to 32 letters, digits, - and _")
    return keys


def split_key(key: SecretStr) -> tuple[str, str]:
    """The name, empty where it has none, and the secret."""
    name, _, secret = key.get_secret_value().rpartition(":")
    return name, secret


def _check_address(host: str) -> str:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ValueError("takes an IP address such as 127.0.0.1 or 0.0.0.0, not a name") from None
    return host


def _check_host_names(hosts: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(host.lower() for host in hosts)
    if not all(_HOST.fullmatch(name) for name in names):
        raise ValueError(
            "takes host names such as eyenet.example.org, or *.example.org for all names below it: no scheme, no port"
        )
    return names


def _check_header_names(headers: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_TOKEN.fullmatch(header) for header in headers):
        raise ValueError("takes names of headers such as Content-Type, separated by commas, no *")
    return headers


def _none_if_empty(value: object) -> object:
    return None if value == "" else value


def _as_shares(shares: tuple[float, ...]) -> tuple[float, ...]:
    total = sum(shares)
    if shares and not (min(shares) >= 0 and 0 < total < float("inf")):
        raise ValueError("needs numbers of 0 or more, not all 0, separated by commas, such as 0.02,0.03,0.93,0.02")
    return tuple(share / total for share in shares)


ShareIfSet = Annotated[Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(_none_if_empty)]
Shares = Annotated[tuple[float, ...], NoDecode, BeforeValidator(_split_on_commas), AfterValidator(_as_shares)]
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_on_commas)]
Keys = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_split_on_commas), AfterValidator(_check_keys)]
ClassNames = Annotated[CommaSeparated, AfterValidator(_check_classes)]
Origins = Annotated[CommaSeparated, AfterValidator(_check_origins)]
IpAddress = Annotated[str, AfterValidator(_check_address)]
HostNames = Annotated[CommaSeparated, AfterValidator(_check_host_names)]
HeaderNames = Annotated[CommaSeparated, AfterValidator(_check_header_names)]
