from __future__ import annotations

from pathlib import Path

import pytest

from lab.common.gateway import GatewayProcess
from lab.common.http import RawConnection
from lab.common.waiting import wait_until
from tests.scripted_backend import Reply, ScriptedBackend, fine

SHORT = {
    "client_header_timeout 10s": "client_header_timeout 1s",
    "client_body_timeout 15s": "client_body_timeout 1s",
    "send_timeout 15s": "send_timeout 1s",
    "keepalive_timeout 65s": "keepalive_timeout 1s",
}
HALF_A_BODY = b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + b"a" * 2_000_000


@pytest.mark.parametrize(
    "half",
    [b"", b"POST /upload HT", b"POST /upload HTTP/1.1\r\nHost: a\r\n", HALF_A_BODY,
     b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
    ids=["nothing", "half_a_line", "half_a_header", "half_a_body", "half_a_chunk"],
)  # fmt: skip
def test_who_stops_halfway_is_dropped_and_no_backend_learns_of_it(tmp_path: Path, half: bytes) -> None:
    with ScriptedBackend(fine) as backend, GatewayProcess(tmp_path, [backend.port], replaced=SHORT) as gateway:
        with RawConnection(gateway.port) as connection:
            if half:
                connection.send(half)
            assert connection.was_closed()
        assert gateway.client.post("/upload", json={}).status_code == 200
        assert len(backend.received) == 1


def test_who_does_not_read_the_answer_or_asks_no_more_is_dropped(tmp_path: Path) -> None:
    with (
        ScriptedBackend(lambda request: Reply(body=bytes(32_000_000 * (request.path == "/live")))) as backend,
        GatewayProcess(tmp_path, [backend.port], replaced=SHORT) as gateway,
    ):
        with RawConnection(gateway.port) as connection:
            connection.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            assert connection.answer().status_code == 200
            assert connection.was_closed()
        with RawConnection(gateway.port) as connection:
            connection.send(b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n")
            wait_until(lambda: 'path="/live" status=200' in gateway.log, "end of the request")
        # The answer was cut off: its length was said, and not all of it was sent.
        assert "upstream timed out" not in gateway.log


def test_requests_sent_without_waiting_are_answered_in_order(tmp_path: Path) -> None:
    with (
        ScriptedBackend(lambda request: Reply(body=request.path.encode())) as backend,
        GatewayProcess(tmp_path, [backend.port]) as gateway,
        RawConnection(gateway.port) as connection,
    ):
        connection.send(b"".join(b"GET /live?%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(20)))
        assert [connection.answer().text for _ in range(20)] == [f"/live?{number}" for number in range(20)]
