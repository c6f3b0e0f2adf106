"""A TCP connection that says exactly the bytes it is told to, as no HTTP client would."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from types import TracebackType

import httpx

_PATIENCE_SECONDS = 60


class RawConnection:
    """To a port of this machine, as a context manager."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_SECONDS)

    @staticmethod
    @contextlib.contextmanager
    def listening() -> Iterator[int]:
        """A port on which connections are accepted by the kernel, and nobody ever says anything."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield int(listener.getsockname()[1])

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def header(self) -> bytes:
        """The status line and headers that come next, to their end; what follows stays unread."""
        header = b""
        while not header.endswith(b"\r\n\r\n"):
            byte = self._socket.recv(1)
            if not byte:
                break
            header += byte
        return header

    def answer(self) -> httpx.Response:
        """The next answer, read to its end."""
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return httpx.Response(response.status, headers=response.getheaders(), content=response.read())

    def was_closed(self) -> bool:
        """Waits until the other side closes; False if it says something instead, or nothing for a minute."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
