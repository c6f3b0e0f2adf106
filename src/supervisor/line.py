"""The line between the supervisor and its server process: stop signals go down, heartbeats come up.

When the supervisor dies, even by SIGKILL, the kernel closes its end; the server process reads that and stops.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading

from src.config.overseer import Overseer

_BEAT = b"b"
# More than can wait in a socket.
_ALL = 1 << 16

_log = logging.getLogger("eyenet.supervisor")


class SupervisorEnd:
    """What the supervisor holds. Owns its socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._connection.setblocking(False)

    def forward(self, number: signal.Signals) -> None:
        """Hands a stop signal on; a server process that is gone does not miss it."""
        with contextlib.suppress(OSError):
            self._connection.send(bytes([number]))

    def heard_a_beat(self) -> bool:
        """Whether the server process has said since the last time that it is well."""
        try:
            return self._connection.recv(_ALL).startswith(_BEAT)
        except OSError:
            return False

    def close(self) -> None:
        self._connection.close()


class ServerEnd(Overseer):
    """What the server process holds.

    Attributes:
        restarts: how many server processes there were before this one.
    """

    def __init__(self, connection: socket.socket, restarts: int) -> None:
        self.restarts = restarts
        self._connection = connection
        self._orders = 0

    def listen(self) -> None:
        """From now on the first order, and the supervisor's death, arrive in this process as stop signals."""
        threading.Thread(target=self._listen, name="supervisor-line", daemon=True).start()

    def hurry(self) -> bool:
        """Whether the supervisor has been asked again.

        Signals that this process got itself say nothing of that: a Ctrl-C and a `pkill` reach both processes, and are
        one wish all the same.
        """
        return self._orders > 1

    def beat(self) -> None:
        """The services are loaded, and the event loop has just had its turn. Never waits."""
        # A supervisor that has not read for minutes, because it is stopped, has beats enough waiting.
        with contextlib.suppress(OSError):
            self._connection.send(_BEAT, socket.MSG_DONTWAIT)

    def stopping(self) -> None:
        """The supervisor knows: it has handed the signal on, or sees the end."""

    def close(self) -> None:
        self._connection.close()

    def _listen(self) -> None:
        while order := self._next_order():
            self._orders += 1
            if self._orders == 1:
                os.kill(os.getpid(), order)
        if self._orders == 0:
            _log.warning("the supervisor is gone")
            os.kill(os.getpid(), signal.SIGTERM)

    def _next_order(self) -> int | None:
        try:
            data = self._connection.recv(1)
        except OSError:
            # A socket whose other end died with something unread is reset, not closed.
            return None
        return data[0] if data else None


def open_line(restarts: int) -> tuple[SupervisorEnd, ServerEnd]:
    """Both ends; each process closes the one that is not its own.

    Raises:
        OSError: no descriptor is left.
    """
    ours, theirs = socket.socketpair()
    return SupervisorEnd(ours), ServerEnd(theirs, restarts)
