"""Bytes to a port and what comes back, without a client that would mend them first."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Attackers have an address of their own, as they have in life: the gateway's limits count per address. On Linux the
# whole of 127.0.0.0/8 is this machine; elsewhere they have to share one.
ATTACKER_ADDRESS = "127.0.0.66" if sys.platform == "linux" else "127.0.0.1"
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class RawReply:
    """
    Attributes:
        status: of HTTP.
        headers: names in lower case.
        body: what came of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(Exception):
    """The connection ended, or the time was over, before an answer was complete. `str(error)` says which."""


def connect(port: int, timeout_s: float = 30.0, source: str = ATTACKER_ADDRESS) -> socket.socket:
    """A connection to a server on this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout_s, source_address=(source, 0))


def exchange(port: int, request: bytes, timeout_s: float = 30.0, source: str = ATTACKER_ADDRESS) -> RawReply:
    """Sends a request on a connection of its own, and reads one answer.

    Raises:
        NoReply: there is none.
    """
    method = request.split(b" ", 1)[0].decode("latin-1")
    try:
        with connect(port, timeout_s, source) as connection:
            # A server that has read enough answers and closes while we are still sending.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(request)
            return read_reply(connection, method)
    except OSError as error:
        raise NoReply(type(error).__name__) from None


def read_reply(connection: socket.socket, method: str = "POST") -> RawReply:
    """The next answer on a connection.

    Raises:
        NoReply: there is none.
    """
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoReply(type(error).__name__) from None
    finally:
        response.close()
    return RawReply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


def read_statuses(connection: socket.socket, seconds: float) -> list[int]:
    """The statuses of all answers that come until the server closes, or the time is over; bodies are not parsed."""
    received = b"".join(read_for(connection, seconds))
    parts = received.split(b"HTTP/1.1 ")[1:]
    return [int(part[:3]) for part in parts if part[:3].isdigit()]


def read_for(connection: socket.socket, seconds: float) -> Iterator[bytes]:
    """What comes until the server closes, or the time is over."""
    ends_at = time.monotonic() + seconds
    while (left := ends_at - time.monotonic()) > 0:
        connection.settimeout(left)
        try:
            received = connection.recv(_CHUNK_BYTES)
        except OSError:
            return
        if not received:
            return
        yield received


def has_error_shape(reply: RawReply) -> bool:
    """Whether an error is told in the one shape that all of ours have."""
    try:
        content = json.loads(reply.body)
        sentence, code = content["message"], content["body"]["code"]
    except (ValueError, LookupError, TypeError):
        return False
    expected = {"status_code": reply.status, "body": {"error": sentence, "code": code}, "message": sentence}
    return bool(content == expected and sentence and reply.headers.get("content-type") == "application/json")
