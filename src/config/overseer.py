"""Who watches over a server process and starts it again: systemd, where there is no supervisor, or nobody."""

from __future__ import annotations

import contextlib
import os
import socket

from src.config.process import second_stop_signal

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"


class Overseer:
    """What a server process says of itself to whoever watches over it, and may ask him.

    Attributes:
        restarts: how many server processes there were before this one.
    """

    restarts = 0

    def beat(self) -> None:
        """The services are loaded, and the event loop has just had its turn. Never waits."""
        tell_systemd(READY, ALIVE)

    def stopping(self) -> None:
        """No more beats are owed."""
        tell_systemd(STOPPING)

    def hurry(self) -> bool:
        """Whether, while the process is stopping, somebody has asked again."""
        return second_stop_signal()


def tell_systemd(*states: str) -> None:
    """Sends these to systemd in one datagram, if it has started this process; never waits (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.setblocking(False)
        # @ stands for the zero byte that opens the name of an abstract socket.
        systemd.sendto("\n".join(states).encode("ascii"), address.replace("@", "\0", 1))
