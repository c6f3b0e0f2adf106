"""systemd hears what it is to hear, by either kind of address, and nobody waits for it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.config.overseer import Overseer, tell_systemd

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows has no systemd")


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    if request.param == "abstract" and sys.platform != "linux":
        pytest.skip("only Linux has sockets without a file")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        address = str(tmp_path / "notify")
        listening.bind(address if request.param == "file" else f"\0{address}")
        listening.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", address if request.param == "file" else f"@{address}")
        yield listening


def test_it_hears_that_a_process_is_well_and_that_it_stops(systemd: socket.socket) -> None:
    Overseer().beat()
    assert systemd.recv(100) == b"READY=1\nWATCHDOG=1"
    Overseer().stopping()
    assert systemd.recv(100) == b"STOPPING=1"


def test_nobody_waits_for_one_that_does_not_listen(systemd: socket.socket) -> None:
    for _ in range(10_000):
        tell_systemd("WATCHDOG=1")
    assert systemd.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "vsock:2:1234", "@"])
def test_where_there_is_none_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    Overseer().beat()
    monkeypatch.delenv("NOTIFY_SOCKET")
    Overseer().beat()
