"""A port is free or it is a sentence."""

from __future__ import annotations

import socket

import pytest

from src.core.errors import StartupError
from src.utils.listening import check_port_is_free


def test_a_taken_port_is_named_and_a_freed_one_is_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartupError, match=f"PORT {port} cannot be listened on"):
            check_port_is_free("127.0.0.1", port)
    check_port_is_free("127.0.0.1", port)
