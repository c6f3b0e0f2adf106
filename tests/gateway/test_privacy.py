"""What the gateway may not keep: pictures on a disk, secrets and bodies in its log."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.common.gateway import GatewayProcess
from lab.common.http import RawConnection
from lab.common.waiting import wait_until
from tests.scripted_backend import Reply, ScriptedBackend

HEADER = b"POST /upload HTTP/1.1\r\nHost: a\r\n"
MUCH = 8_000_000
HALVES = {
    "length": HEADER + b"Content-Length: 16000000\r\n\r\n" + b"a" * MUCH,
    "chunks": HEADER + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"a" * 0x10000 + b"\r\n") * 120,
}
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are looked up in Linux's /proc")


def files_written(gateway: GatewayProcess) -> list[str]:
    """Files with something in them under nginx's folder, and files that it holds open though they have no name."""
    named = [file for file in gateway.folder.rglob("*") if file.is_file() and "conf" not in file.parts]
    return [file.name for file in named if file.stat().st_size and file.name != "nginx.pid"] + [
        target for target in _open_files(gateway) if target.startswith(str(gateway.folder)) or "(deleted)" in target
    ]


def _open_files(gateway: GatewayProcess) -> Iterator[str]:
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text(encoding="ascii").split()
    for process in (str(gateway.pid), *children):
        for descriptor in Path(f"/proc/{process}/fd").iterdir():
            target = str(descriptor.readlink())
            # Shared memory of the zones is a deleted /dev/zero.
            if target.startswith("/") and not target.startswith("/dev/"):
                yield target


def has_taken_in(gateway: GatewayProcess, size: int) -> bool:
    """Whether nginx holds so many bytes in memory: then the body that was sent is there."""
    children = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children").read_text(encoding="ascii").split()
    resident = (Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1] for process in children)
    return max(int(pages) for pages in resident) * os.sysconf("SC_PAGE_SIZE") > size


@needs_proc
@pytest.mark.parametrize("kind", [*HALVES, "answer"])
def test_a_body_or_an_answer_on_its_way_is_in_memory_only(tmp_path: Path, kind: str) -> None:
    with (
        ScriptedBackend(lambda _request: Reply(body=bytes(32_000_000))) as backend,
        GatewayProcess(tmp_path, [backend.port]) as gateway,
        RawConnection(gateway.port) as connection,
    ):
        connection.send(HALVES.get(kind, b"GET /live HTTP/1.1\r\nHost: a\r\n\r\n"))
        # Of the answer nothing is read: nginx's own buffers fill up.
        wait_until(lambda: has_taken_in(gateway, 4_000_000 if kind == "answer" else MUCH), f"{kind} in memory")
        assert files_written(gateway) == []


@needs_proc
def test_a_body_in_a_file_would_be_seen(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    """Or the tests beside this one would see nothing whatever happened. It is the waiting that fails."""
    replaced = {"client_body_buffer_size 48m": "client_body_buffer_size 16k"}
    with (
        GatewayProcess(tmp_path, [fine_backend.port], replaced=replaced) as gateway,
        RawConnection(gateway.port) as connection,
    ):
        connection.send(HALVES["length"])
        wait_until(lambda: files_written(gateway) != [], "body in a file")


def test_the_log_tells_of_a_request_without_its_secrets(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    secrets = {"X-API-Key": "key-in-header", "Authorization": "Bearer bearer-token", "Cookie": "cookie-value",
               "Referer": "https://referring.example/patient", "User-Agent": "agent-of-user"}  # fmt: skip
    with GatewayProcess(tmp_path, [fine_backend.port]) as gateway:
        gateway.client.post("/upload?patient=name-in-query", json={"image": "pixels-in-body"}, headers=secrets)
        with RawConnection(gateway.port) as connection:
            connection.send(b'GET /"status=999?name-in-query HTTP/1.1\r\nHost: a\r\n\r\n')
            connection.answer()
        wait_until(lambda: gateway.log.count("bytes_in=") == 3, "line per request")
        log = gateway.log

    assert 'method=POST path="/upload" status=200 ' in log
    assert 'path="/\\x22status=999" ' in log
    for secret in (*secrets.values(), "name-in-query", "pixels-in-body"):
        assert secret not in log
