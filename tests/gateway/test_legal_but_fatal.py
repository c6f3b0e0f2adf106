"""Valid requests that the HTTP library under the service cannot bear are ordinary ones behind the gateway."""

from __future__ import annotations

import pytest

from lab.common.backend import ServiceProcess
from lab.common.gateway import GatewayProcess
from lab.common.http import RawConnection, exchange


def test_trailers_behind_a_chunked_body_do_no_harm(gateway: GatewayProcess, service: ServiceProcess) -> None:
    """RFC 9112, section 7.1.2."""
    pid = service.server_pid
    head = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    body = b'14\r\n{"image":"aGVsbG8="}\r\n0\r\nX-Checksum: abc\r\n\r\n'
    answer = exchange(gateway.port, head + b"Trailer: X-Checksum\r\nConnection: close\r\n\r\n" + body)

    assert answer.status == 400
    assert b'"not_a_picture"' in answer.body
    assert service.server_pid == pid
    assert service.client.get("/live").status_code == 200


@pytest.mark.parametrize("path", ["/health", "/upload", "/"])
def test_who_wants_a_websocket_is_answered_as_everybody(gateway: GatewayProcess, path: str) -> None:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with RawConnection(gateway.port, timeout_s=30) as connection:
        connection.send(request.encode())
        assert connection.reply("GET").status == (405 if path == "/upload" else 200)
