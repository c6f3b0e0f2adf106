"""HTTP by hand: a client that costs little, and connections that send exactly the bytes they are given."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from typing_extensions import Self

# Attackers have an address of their own, as in life: the gateway's limits count per address. On Linux all of
# 127.0.0.0/8 is this machine; elsewhere attackers and clients share one address.
ATTACKER_ADDRESS = "127.0.0.66" if sys.platform == "linux" else "127.0.0.1"

_CLIENT_SECONDS = 600.0
_CONNECTION_SECONDS = 60.0
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NoReply(Exception):
    """The connection ended, or the time was up, before the answer was complete; `str(error)` says which."""


class Client:
    """Talks to one server on this machine over one connection, as a context manager. One per thread.

    Python's own client: for bodies of this size it took 0.31 ms of processor time per request where aiohttp took 0.46,
    and what the client takes is taken from the server beside it.
    """

    def __init__(self, port: int, timeout_s: float = _CLIENT_SECONDS) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, path: str, body: bytes | None = None) -> Reply:
        """A POST of JSON; a GET without a body.

        Raises:
            OSError, http.client.HTTPException: there is no answer. The next request opens a new connection.
        """
        try:
            if body is None:
                self._connection.request("GET", path)
            else:
                self._connection.request("POST", path, body, {"Content-Type": "application/json"})
            return _read(self._connection.getresponse())
        except (OSError, http.client.HTTPException):
            with contextlib.suppress(OSError):
                self._connection.close()
            raise


class RawConnection:
    """A TCP connection to a port of this machine, as a context manager; its `socket` does what has no method here."""

    def __init__(self, port: int, timeout_s: float = _CONNECTION_SECONDS, source: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s, source_address=(source, 0))

    @staticmethod
    @contextlib.contextmanager
    def listening() -> Iterator[int]:
        """A port on which connections are accepted by the kernel, and nobody ever says anything."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield int(listener.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def header(self) -> bytes:
        """The status line and headers that come next, to their end; what follows stays unread."""
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                break
            header += byte
        return header

    def reply(self, method: str = "POST") -> Reply:
        """The next answer, read to its end; `method` is that of its request.

        Raises:
            NoReply: there is none.
        """
        response = http.client.HTTPResponse(self.socket, method=method)
        try:
            response.begin()
            return _read(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoReply(type(error).__name__) from None
        finally:
            response.close()

    def answer(self) -> httpx.Response:
        """The same, as httpx would return it."""
        reply = self.reply()
        return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)

    def statuses_within(self, seconds: float) -> list[int]:
        """Those of all answers that come until the other side closes, or the time is over; bodies are not parsed."""
        received = b""
        ends_at = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while (left := ends_at - time.monotonic()) > 0:
                self.socket.settimeout(left)
                chunk = self.socket.recv(_CHUNK_BYTES)
                if not chunk:
                    break
                received += chunk
        return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:] if part[:3].isdigit()]

    def was_closed(self) -> bool:
        """Waits until the other side closes; False if it says something instead, or nothing for a minute."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def exchange(port: int, request: bytes, timeout_s: float = 30.0, source: str = ATTACKER_ADDRESS) -> Reply:
    """Sends a request on a connection of its own, and reads one answer.

    Raises:
        NoReply: there is none.
    """
    method = request.split(b" ", 1)[0].decode("latin-1")
    try:
        with RawConnection(port, timeout_s, source) as connection:
            # A server that has read enough answers and closes while we are still sending.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.send(request)
            return connection.reply(method)
    except OSError as error:
        raise NoReply(type(error).__name__) from None


def has_error_shape(reply: Reply) -> bool:
    """Whether an error has the one shape that all of ours have."""
    try:
        content = json.loads(reply.body)
        sentence, code = content["message"], content["body"]["code"]
    except (ValueError, LookupError, TypeError):
        return False
    expected = {"status_code": reply.status, "body": {"error": sentence, "code": code}, "message": sentence}
    return bool(content == expected and sentence and reply.headers.get("content-type") == "application/json")


def parse_server_timing(header: str) -> dict[str, float]:
    """Milliseconds by stage of a header such as `queue;dur=1.2, parse;dur=0.5` (W3C, "Server Timing"), in its order;
    entries without a duration are left out.
    """
    stages: dict[str, float] = {}
    for entry in header.split(","):
        name, *parameters = (part.strip() for part in entry.split(";"))
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip().lower() == "dur":
                with contextlib.suppress(ValueError):
                    stages[name] = float(value.strip().strip('"'))
    return stages


def _read(response: http.client.HTTPResponse) -> Reply:
    body = response.read()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
