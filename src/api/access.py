"""Who may ask: everybody, or who brings one of API_KEYS."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from enum import Enum, auto

from pydantic import SecretStr

from src.core.errors import Unauthorized

_BEARER = "bearer "


class Access(Enum):
    """What a path asks of who comes: OPEN nothing, GUARDED a key, if the settings have any."""

    OPEN = auto()
    GUARDED = auto()

    @classmethod
    def open_if(cls, public: bool) -> Access:
        return cls.OPEN if public else cls.GUARDED


class Doorkeeper:
    """Knows the keys, or rather their hashes: of those, all have the same length and none can be sent."""

    def __init__(self, keys: Iterable[SecretStr]) -> None:
        self._hashes = [_hash(key.get_secret_value()) for key in keys]

    def check(self, header: Callable[[str], str | None]) -> None:
        """Lets in who brings a key; everybody, where there are none.

        Args:
            header: gives a header's value by its name in lower case, or None.

        Raises:
            Unauthorized: neither X-API-Key nor Authorization has one of the keys.
        """
        if not self._hashes:
            return
        bearer = header("authorization") or ""
        sent = [header("x-api-key"), bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else None]
        # All are compared with all, in the same time: how long it takes tells nothing of the keys.
        matches = [
            hmac.compare_digest(_hash(key.strip()), known) for key in sent if key is not None for known in self._hashes
        ]
        if not any(matches):
            raise Unauthorized


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
