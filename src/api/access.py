"""Who may ask: everybody, or whoever brings one of API_KEYS, and asks for one of ALLOWED_HOSTS."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Callable, Collection, Iterable
from enum import Enum, auto

from pydantic import SecretStr

from src.config.setting_types import split_key
from src.core.errors import HostNotAllowed, Unauthorized

_BEARER = "bearer "
# RFC 3986, section 3.2.2: a name or an address, that of IPv6 in brackets, and perhaps a port.
_HOST = re.compile(r"(?P<name>\[[^\[\]]+\]|[^:\[\]]+)(:[0-9]*)?")


class Access(Enum):
    """Who may use a path: OPEN everybody, GUARDED whoever brings a key, if the settings have any."""

    OPEN = auto()
    GUARDED = auto()

    @classmethod
    def open_if(cls, public: bool) -> Access:
        return cls.OPEN if public else cls.GUARDED


class Doorkeeper:
    """Checks keys by their hashes, which all have the same length and from which no key can be read."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        self._keys = [(name, _hash(secret)) for name, secret in map(split_key, keys)]

    def check(self, header: Callable[[str], str | None]) -> str:
        """Lets in whoever brings a key; everybody, if there are none.

        Args:
            header: gives a header's value by its name in lower case, or None.

        Returns:
            the name of the key, empty if it has none.

        Raises:
            Unauthorized: neither X-API-Key nor Authorization has one of the keys.
        """
        if not self._keys:
            return ""
        bearer = header("authorization") or ""
        sent = [header("x-api-key"), bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else None]
        # Each is compared with all, and in constant time: how long it takes says nothing about the keys.
        matches = [
            (hmac.compare_digest(_hash(key.strip()), known), name)
            for key in sent
            if key is not None
            for name, known in self._keys
        ]
        names = [name for is_it, name in matches if is_it]
        if not names:
            raise Unauthorized
        return names[0]


class HostPolicy:
    """Says which names the service answers to.

    A page whose own name is made to lead to this machine (DNS rebinding) is of the service's origin to its browser; the
    name is all that tells it apart.
    """

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        """`allowed_hosts` are in lower case; `*.` stands for all names below one."""
        self._names = frozenset(allowed_hosts)
        self._endings = tuple(name[1:] for name in allowed_hosts if name.startswith("*."))

    def check(self, host: str | None) -> None:
        """Lets in who asks for an allowed name, for an IP address as probes do, or says no name at all.

        Args:
            host: the header of that name.

        Raises:
            HostNotAllowed: another name.
        """
        if not self._names or not host:
            return
        written = _HOST.fullmatch(host)
        if written is None:
            raise HostNotAllowed
        name = written["name"].lower().removesuffix(".")
        if name not in self._names and not name.endswith(self._endings) and not _is_address(name):
            raise HostNotAllowed


def _is_address(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return (address.version == 6) == name.startswith("[")


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
