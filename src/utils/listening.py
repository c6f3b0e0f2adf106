"""Whether a port can be listened on."""

from __future__ import annotations

import socket

from src.core.errors import StartupError


def check_port_is_free(host: str, port: int) -> None:
    """Binds the port for a moment.

    Raises:
        StartupError: it is taken, or the address is not this machine's; the sentence names both settings.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Without it, a port stays "taken" for a minute after every restart.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise StartupError(f"LISTEN_ADDRESS {host}, PORT {port} cannot be listened on: {error.strerror}.") from None
