"""IPv6 beside IPv4, before the gateway and behind it; what a backend learns of the address that was asked for."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from lab.common.gateway import GATEWAY_FOLDER, GatewayProcess
from lab.common.http import RawConnection
from tests.scripted_backend import ScriptedBackend, fine

needs_ipv6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this kernel has no IPv6")


@needs_ipv6
def test_it_listens_on_ipv6_and_a_backend_may_have_an_ipv6_address(tmp_path: Path) -> None:
    with (
        ScriptedBackend(fine, "::1") as backend,
        GatewayProcess(tmp_path, [], BACKENDS=f"[::1]:{backend.port}") as gateway,
    ):
        for host in ("127.0.0.1", "[::1]"):
            assert httpx.get(f"http://{host}:{gateway.port}/live").status_code == 200
            assert backend.received[-1].headers["host"] == f"{host}:{gateway.port}"


@pytest.mark.parametrize("tls", [{}, {"TLS_CERTIFICATE": "/crt", "TLS_KEY": "/key"}], ids=["plain", "tls"])
def test_where_the_kernel_has_no_ipv6_it_listens_without(tmp_path: Path, tls: dict[str, str]) -> None:
    """Where there is a /proc, and no list of IPv6 addresses in it."""
    script = f"mount -t tmpfs none /proc && mkdir /proc/net && exec sh {GATEWAY_FOLDER}/start.sh -t"
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode:  # noqa: S607
        pytest.skip("hiding /proc takes unshare and its rights")
    variables = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GATEWAY_DIR": str(tmp_path), "GATEWAY_PORT": "8080"} | tls
    subprocess.run(["unshare", "-m", "sh", "-c", script], env=variables, check=False, timeout=60)  # noqa: S607
    directives = (tmp_path / "conf" / "listen.conf").read_text(encoding="utf-8")

    assert [line for line in directives.splitlines() if line.startswith("listen")] == [
        f"listen 8080 {'ssl ' if tls else ''}default_server;"
    ]


def test_a_request_without_a_host_is_passed_on_without_one(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    with GatewayProcess(tmp_path, [fine_backend.port]) as gateway, RawConnection(gateway.port) as connection:
        connection.send(b"GET /live HTTP/1.0\r\n\r\n")
        assert connection.answer().status_code == 200
    assert "host" not in fine_backend.received[-1].headers


@pytest.mark.parametrize(
    ("trusted", "told", "scheme"),
    [("127.0.0.1", "https", "https"), ("127.0.0.1", "http", "http"), ("127.0.0.1", "ftp", "http"),
     ("192.0.2.1", "https", "http")],
)  # fmt: skip
def test_only_a_trusted_proxy_is_believed_about_tls(
    tmp_path: Path, fine_backend: ScriptedBackend, trusted: str, told: str, scheme: str
) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": told}
    with GatewayProcess(tmp_path, [fine_backend.port], TRUSTED_PROXIES=trusted) as gateway:
        gateway.client.get("/live", headers=headers)

    assert fine_backend.received[-1].headers["x-forwarded-proto"] == scheme
