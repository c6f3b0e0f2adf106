"""A port that is taken is one sentence."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from src.api.server import serve
from src.config.overseer import Overseer
from src.config.settings import Settings, load_settings
from src.core.errors import StartupError
from src.services.startup import Services


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def no_services(_settings: Settings, _on_pass: Callable[[int], None]) -> Services:
    pytest.fail("nothing may be loaded when the port is taken")


def test_a_taken_port_stops_the_start_with_a_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    monkeypatch.setenv("PORT", str(taken_port))
    with pytest.raises(StartupError, match=f"LISTEN_ADDRESS 127.0.0.1, PORT {taken_port} cannot be listened on"):
        serve(load_settings(env_file=None), no_services, Overseer())


def test_an_address_of_another_machine_stops_the_start_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_ADDRESS", "192.0.2.1")
    with pytest.raises(StartupError, match=r"LISTEN_ADDRESS 192\.0\.2\.1"):
        serve(load_settings(env_file=None), no_services, Overseer())
