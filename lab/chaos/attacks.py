"""Attacks on the gateway's port: each goes on for some seconds and counts what comes back."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.common.http import ATTACKER_ADDRESS, NoReply, RawConnection, exchange, has_error_shape

_PAUSE_SECONDS = 0.02
_REPLY_SECONDS = 20.0
# For an answer to what is hidden: longer than good traffic may take beside an attack.
_HIDDEN_SECONDS = 3.0
_HELD_CONNECTIONS = 200
_SMALL_BUFFER_BYTES = 4096
_PIPELINED = 100
_MEGABYTE = 1024 * 1024
_POST = b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_LONG_BODY = _POST + b"Content-Length: 1000000\r\n\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
_HIDDEN = b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass(slots=True)
class Observed:
    """What an attacker saw.

    Attributes:
        tries: requests or connections.
        answers: statuses, and "closed" where there was none, and how often.
        other_shapes: errors that could be read as HTTP, but were not told in our shape.
        smuggled: answers to requests that were hidden in others.
    """

    tries: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    other_shapes: int = 0
    smuggled: int = 0

    def note(self, answer: str, count: int = 1) -> None:
        """Counts an answer."""
        self.answers[answer] = self.answers.get(answer, 0) + count


@dataclass(frozen=True, slots=True)
class Conditions:
    """The gateway's port, how long an attack goes on, and a file with the body of a good /upload."""

    port: int
    seconds: float
    good_body: Path
    idle_connections: int = 2000
    large_body_mb: int = 200


MALFORMED_CHUNKS = (
    _CHUNKED + b"ZZ\r\n",
    _CHUNKED + b"-1\r\nx\r\n0\r\n\r\n",
    _CHUNKED + b"FFFFFFFFFFFFFFFF1\r\nx\r\n",
    _CHUNKED + b"5\r\nabcdefgh\r\n0\r\n\r\n",
    _CHUNKED + b"0x5\r\nabcde\r\n0\r\n\r\n",
    _CHUNKED + b"\r\n\r\n\r\n",
    _CHUNKED + b"5;" + b"e" * 20_000 + b"\r\nabcde\r\n0\r\n\r\n",
    _CHUNKED + b"2\r\n{}\r\n0\r\n\0\xff: \r\n\r\n",
)
SMUGGLING = (
    _POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG" + _HIDDEN,
    _POST + b"Content-Length: 0\r\nContent-Length: 38\r\n\r\n" + _HIDDEN,
    _POST + b"Content-Length: 0, 38\r\n\r\n" + _HIDDEN,
    _POST + b"Content-Length: +2\r\n\r\n{}" + _HIDDEN,
    _POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
    _POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + _HIDDEN,
)
GARBAGE = (
    # A TLS 1.2 client hello, the opening of HTTP/2, and what other programs say first.
    bytes.fromhex("16030100a5010000a10303") + bytes(range(160)),
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"SSH-2.0-OpenSSH_9.2\r\n",
    b"\0" * 4096,
    bytes(range(256)) * 8,
    b"GET\r\n\r\n",
    b"GET /\0/x HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
    b"POST /upload HTTP/1.1\r\n\r\n",
    b"GET /live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: \xff\r\n\r\n",
)
LARGE_HEADERS = (
    b"GET /live HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET /live HTTP/1.1\r\nHost: a\r\n" + b"X-Many: a\r\n" * 10_000 + b"\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /live HTTP/1.1\r\nHost: a\r\n" + b"x" * 70_000 + b": a\r\n\r\n",
)


def send_each(port: int, messages: Sequence[bytes], observed: Observed) -> None:
    """Sends each on a connection of its own, and notes the first answer."""
    for message in messages:
        observed.tries += 1
        try:
            reply = exchange(port, message, _REPLY_SECONDS)
        except NoReply:
            observed.note("closed")
            continue
        observed.note(str(reply.status))
        observed.other_shapes += reply.status >= 400 and not has_error_shape(reply)
        time.sleep(_PAUSE_SECONDS)


def smuggle(port: int, observed: Observed) -> None:
    """Sends each smuggling shape, and counts answers 200; none may come, because the only good request is hidden."""
    for message in SMUGGLING:
        observed.tries += 1
        with _attacker(port) as connection:
            connection.send(message)
            statuses = connection.statuses_within(_HIDDEN_SECONDS)
        for answer in map(str, statuses) if statuses else ["closed"]:
            observed.note(answer)
        observed.smuggled += statuses.count(200)
        time.sleep(_PAUSE_SECONDS)


def _again_and_again(do: Callable[[int, Observed], None]) -> Callable[[Conditions], Observed]:
    def run(conditions: Conditions) -> Observed:
        observed = Observed()
        for _ in _while(conditions.seconds):
            do(conditions.port, observed)
        return observed

    return run


def _sent_each(messages: Sequence[bytes]) -> Callable[[Conditions], Observed]:
    return _again_and_again(lambda port, observed: send_each(port, messages, observed))


def _attacker(port: int) -> RawConnection:
    return RawConnection(port, _REPLY_SECONDS, ATTACKER_ADDRESS)


def _while(seconds: float) -> Iterator[None]:
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        yield


@contextlib.contextmanager
def hold_half_requests(port: int, opening: bytes, count: int) -> Iterator[list[RawConnection]]:
    """`count` connections that have sent `opening` and wait, as long as the `with` block lasts."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_attacker(port)) for _ in range(count)]
        for connection in connections:
            connection.send(opening)
        yield connections


def _held(opening: bytes, count: int = _HELD_CONNECTIONS, drip: bytes = b"") -> Callable[[Conditions], Observed]:
    """Connections that say this much and then nothing, or one byte a second."""

    def run(conditions: Conditions) -> Observed:
        with hold_half_requests(conditions.port, opening, count) as connections:
            return _hold(connections, conditions.seconds, drip)

    return run


def _hold(connections: Sequence[RawConnection], seconds: float, drip: bytes = b"") -> Observed:
    for _ in _while(seconds):
        for connection in connections if drip else ():
            with contextlib.suppress(OSError):
                connection.send(drip)
        time.sleep(min(1.0, seconds))
    observed = Observed()
    for connection in connections:
        observed.tries += 1
        connection.socket.setblocking(False)
        try:
            received = connection.socket.recv(64)
        except BlockingIOError:
            observed.note("held open")
        except OSError:
            observed.note("closed")
        else:
            observed.note(received[9:12].decode("latin-1") or "closed")
    return observed


def _slow_readers(conditions: Conditions) -> Observed:
    """They ask for previews of a megabyte, and take nothing of the answer."""
    body = conditions.good_body.read_bytes()
    request = _POST + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(_attacker(conditions.port)) for _ in range(20)]
        for connection in connections:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER_BYTES)
            connection.send(request)
        return _hold(connections, conditions.seconds)


def send_large_bodies(conditions: Conditions) -> Observed:
    """Announced by its length, and in chunks that never say how much is to come."""
    observed = Observed()
    megabyte = b"A" * _MEGABYTE
    chunk = b"%X\r\n" % _MEGABYTE + megabyte + b"\r\n"
    total = conditions.large_body_mb * _MEGABYTE
    for _ in _while(conditions.seconds):
        for opening, piece in ((_POST + b"Content-Length: %d\r\n\r\n" % total, megabyte), (_CHUNKED, chunk)):
            observed.tries += 1
            with _attacker(conditions.port) as connection:
                # The gateway closes on whoever goes on sending.
                with contextlib.suppress(OSError):
                    connection.send(opening)
                    for _ in range(conditions.large_body_mb):
                        connection.send(piece)
                try:
                    reply = connection.reply()
                except NoReply:
                    observed.note("closed")
                else:
                    observed.note(str(reply.status))
                    observed.other_shapes += not has_error_shape(reply)
    return observed


def pipeline(port: int, observed: Observed) -> None:
    """A hundred requests in one breath on one connection, good and bad ones in turn; every one has its answer."""
    broken = b"{]"
    bad = _POST + b"Content-Length: %d\r\n\r\n" % len(broken) + broken
    live = b"GET /live HTTP/1.1\r\nHost: localhost\r\n"
    with _attacker(port) as connection:
        pairs = (_PIPELINED // 2 - 1) * (live + b"\r\n" + bad)
        connection.send(pairs + bad + live + b"Connection: close\r\n\r\n")
        statuses = connection.statuses_within(_REPLY_SECONDS)
    observed.tries += _PIPELINED
    for status in statuses:
        observed.note(str(status))
    if len(statuses) < _PIPELINED:
        observed.note("closed", _PIPELINED - len(statuses))


ATTACKS = {
    "malformed chunks": _sent_each(MALFORMED_CHUNKS),
    "requests hidden in requests": _again_and_again(smuggle),
    "TLS, HTTP/2, SSH and garbage on the port": _sent_each(GARBAGE),
    "headers of 100 kB": _sent_each(LARGE_HEADERS),
    "half headers, held open": _held(_POST + b"X-Half: "),
    "half bodies, held open": _held(_LONG_BODY + b'{"image": "'),
    "headers of one byte per second": _held(_POST + b"X-Slow: ", drip=b"a"),
    "bodies of one byte per second": _held(_LONG_BODY, drip=b"a"),
    "readers that take nothing of their answer": _slow_readers,
    "bodies of 200 MB": send_large_bodies,
    "idle connections": lambda conditions: _held(b"", conditions.idle_connections)(conditions),
    "a hundred requests in one breath": _again_and_again(pipeline),
}
