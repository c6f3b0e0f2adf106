"""Who may ask: everybody, or whoever brings one of API_KEYS."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from enum import Enum, auto

from pydantic import SecretStr

from src.core.errors import Unauthorized

_BEARER = "bearer "


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
        self._hashes = [_hash(key.get_secret_value()) for key in keys]

    def check(self, header: Callable[[str], str | None]) -> None:
        """Lets in whoever brings a key; everybody, if there are none.

        Args:
            header: gives a header's value by its name in lower case, or None.

        Raises:
            Unauthorized: neither X-API-Key nor Authorization has one of the keys.
        """
        if not self._hashes:
            return
        bearer = header("authorization") or ""
        sent = [header("x-api-key"), bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else None]
        # Each is compared with all, and in constant time: how long it takes says nothing about the keys.
        matches = [
            hmac.compare_digest(_hash(key.strip()), known) for key in sent if key is not None for known in self._hashes
        ]
        if not any(matches):
            raise Unauthorized


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
