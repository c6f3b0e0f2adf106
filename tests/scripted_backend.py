"""A backend that does what a test says: for faults that the real service does not have on demand."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass(frozen=True)
class Received:
    """A request as it came out of the gateway. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


Script = Callable[[Received], Reply | None]
"""What to answer; None closes the connection without a word, as a process that dies does."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # So many connections may wait to be taken; with the usual five, some of many at once would come a second late.
    request_queue_size = 128


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


class ScriptedBackend:
    """Listens on a free port of this machine, as a context manager; `host` is its address, IPv4 or IPv6.

    Attributes:
        port: that it listens on.
        received: all requests so far.
    """

    def __init__(self, script: Script, host: str = "127.0.0.1") -> None:
        self.received: list[Received] = []
        self._connections = itertools.count(1)
        server = _ServerOfIPv6 if ":" in host else _Server
        self._server = server((host, 0), _handler(self, script))
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> ScriptedBackend:
        self._thread.start()
        return self

    def take(self, handler: BaseHTTPRequestHandler, connection: int) -> Received:
        """Reads and keeps the request that the handler has met."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Received(handler.command, handler.path, headers, body, connection)
        self.received.append(request)
        return request

    def next_connection(self) -> int:
        return next(self._connections)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(backend: ScriptedBackend, script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self._connection = backend.next_connection()
            super().setup()

        def _answer(self) -> None:
            reply = script(backend.take(self, self._connection))
            if reply is None:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        # The names are the base class's.
        do_GET = do_POST = do_OPTIONS = _answer  # noqa: N815

        def log_message(self, *_arguments: object) -> None:
            """Nothing: the test looks at `received`."""

    return Handler


def fine(_request: Received) -> Reply:
    return Reply(headers={"Content-Type": "application/json"})


def dies(_request: Received) -> None:
    return None


def refuses(status: int, code: str, **headers: str) -> Script:
    """An error in the service's shape, as the service itself would give it."""
    body = {"status_code": status, "body": {"error": "A sentence.", "code": code}, "message": "A sentence."}
    return lambda _request: Reply(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | headers)
