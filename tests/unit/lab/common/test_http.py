from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.chaos.mutated_requests import HttpRequest
from lab.chaos.routes import problem_of
from lab.common.http import NoReply, Reply, exchange, has_error_shape, parse_server_timing

ERROR: dict[str, Any] = {"status_code": 400, "body": {"error": "No.", "code": "invalid_json"}, "message": "No."}
JSON = {"content-type": "application/json"}
POST = HttpRequest("POST", "/upload")


@contextmanager
def one_answer(answer: bytes) -> Iterator[int]:
    """A server that says this to whoever comes first, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def test_an_answer_is_read_with_its_headers() -> None:
    with one_answer(b"HTTP/1.1 413 Too Large\r\nX-Some: Thing\r\nContent-Length: 2\r\n\r\n{}") as port:
        reply = exchange(port, POST.raw, source="127.0.0.1")
    assert (reply.status, reply.headers["x-some"], reply.body) == (413, "Thing", b"{}")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])
def test_half_an_answer_is_none(answer: bytes) -> None:
    with one_answer(answer) as port, pytest.raises(NoReply):
        exchange(port, POST.raw, source="127.0.0.1")


def test_only_our_error_has_our_shape() -> None:
    assert has_error_shape(Reply(400, JSON, json.dumps(ERROR).encode()))
    assert not has_error_shape(Reply(400, {"content-type": "text/html"}, json.dumps(ERROR).encode()))
    assert not has_error_shape(Reply(404, JSON, json.dumps(ERROR).encode()))
    others: list[Any] = [{}, [], None, ERROR | {"message": "Other."}, ERROR | {"more": 1}, ERROR | {"body": "No."}]
    for content in others:
        assert not has_error_shape(Reply(400, JSON, json.dumps(content).encode()))
    assert not has_error_shape(Reply(400, JSON, b"<html>"))


def test_what_is_wrong_with_an_answer_is_said() -> None:
    error = json.dumps(ERROR).encode()
    assert problem_of(POST, Reply(400, JSON, error)) is None
    assert problem_of(POST, Reply(200, JSON, b"{}")) is None
    assert problem_of(POST, Reply(500, JSON, error)) == "status 500"
    assert problem_of(POST, Reply(400, JSON, b"")) == "shape of 400"
    assert problem_of(POST, Reply(200, JSON, b"{")) == "not JSON"
    assert problem_of(HttpRequest("HEAD", "/live"), Reply(404, {}, b"")) is None
    assert problem_of(POST, Reply(204, {}, b"x")) == "body where none may be"


def test_server_timing_gives_milliseconds_by_name() -> None:
    assert parse_server_timing("") == {}
    assert parse_server_timing("queue;dur=1.2, parse;dur=0.5") == {"queue": 1.2, "parse": 0.5}
    assert parse_server_timing('infer;desc="the network";dur=12, detect; DUR="3.5"') == {"infer": 12.0, "detect": 3.5}
    assert parse_server_timing("cache, miss;dur=soon, decode;dur=4") == {"decode": 4.0}
