"""The gateway's files agree with the service's settings and with each other."""

from __future__ import annotations

import re
import shutil
import ssl
import stat
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.common.gateway import GATEWAY_FOLDER, GatewayProcess
from lab.common.waiting import wait_until
from src.api.cors import CorsPolicy
from src.config.settings import Settings
from tests.scripted_backend import ScriptedBackend

FILES = {file.name: file.read_text(encoding="utf-8") for file in sorted(GATEWAY_FOLDER.glob("*.conf"))}
ALL = "\n".join(FILES.values())


def value(directive: str) -> str:
    found = re.findall(rf"^\s*{directive} ([^;]+);", ALL, re.MULTILINE)
    assert len(found) == 1, f"{directive} stands {len(found)} times"
    return str(found[0])


def seconds(directive: str) -> int:
    return int(value(directive).removesuffix("s"))


@pytest.mark.needs_no_nginx
def test_limits_times_origins_and_headers_fit_the_services(settings: Settings) -> None:
    for directive in ("client_max_body_size", "client_body_buffer_size"):
        assert f"\n{directive} {settings.max_body_mb}m;" in FILES["work_limits.conf"]
    assert f'default "{",".join(settings.allowed_origins)}";' in FILES["origins.conf"]
    # The backend gives up before the gateway does, and no address fills a backend alone.
    assert seconds("proxy_read_timeout") == settings.request_timeout_s + 15
    assert seconds("proxy_next_upstream_timeout") == settings.request_timeout_s * 3 / 4
    at_once = int(value("limit_conn requests_at_once_of_address").split()[-1])
    assert at_once < settings.max_requests_in_flight
    (origin, *_) = settings.allowed_origins
    exposed = CorsPolicy(settings.allowed_origins, settings.cors_allowed_headers).headers(origin)[
        "Access-Control-Expose-Headers"
    ]
    assert f'default "{exposed}";' in FILES["errors.conf"]


@pytest.mark.needs_no_nginx
def test_the_start_script_can_be_run_and_each_of_its_variables_is_documented_and_no_other() -> None:
    assert (GATEWAY_FOLDER / "start.sh").stat().st_mode & stat.S_IXUSR
    page = (GATEWAY_FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    documented = {name for row in rows for name in re.findall(r"`([A-Z][A-Z_]+)`", row)}
    script = (GATEWAY_FOLDER / "start.sh").read_text(encoding="utf-8")

    assert documented == set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", re.sub(r"#.*", "", script)))


@pytest.mark.parametrize(
    ("environment", "directives"),
    [
        ({"MAX_BODY_MB": "7"}, ["client_max_body_size 7m;", "client_body_buffer_size 7m;"]),
        ({"REQUEST_TIMEOUT_S": "90.5"}, ["proxy_read_timeout 105s;", "proxy_next_upstream_timeout 68s;"]),
        ({"REQUEST_TIMEOUT_S": "0.5"}, ["proxy_read_timeout 15s;", "proxy_next_upstream_timeout 1s;"]),
        ({"RATE_PER_ADDRESS": "3"}, ["zone=requests_of_address:10m rate=3r/s;"]),
    ],
)
def test_the_limits_follow_the_environment(tmp_path: Path, environment: dict[str, Any], directives: list[str]) -> None:
    with GatewayProcess(tmp_path, [1], **environment) as gateway:
        files = [gateway.folder / "conf" / name for name in ("limits.conf", "work_limits.conf")]
        limits = "".join(file.read_text(encoding="utf-8") for file in files)

    assert all(directive in limits for directive in directives)


def test_a_wrong_configuration_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="invalid value"), GatewayProcess(tmp_path, [1], MAX_BODY_MB="much"):
        pass


def test_the_gateway_speaks_tls_and_the_backend_learns_of_it(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed; on Debian and Ubuntu: apt-get install openssl")
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    arguments = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True, timeout=60)  # noqa: S607
    with GatewayProcess(
        tmp_path / "gateway", [fine_backend.port], TLS_CERTIFICATE=str(certificate), TLS_KEY=str(key)
    ) as gateway:
        context = ssl.create_default_context(cafile=certificate)
        answer = httpx.get(f"https://127.0.0.1:{gateway.port}/health", verify=context)
        plain = gateway.client.get("/health")

    assert answer.status_code == 200
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert fine_backend.received[-1].headers["x-forwarded-proto"] == "https"
    assert (plain.status_code, plain.json()["body"]["code"]) == (400, "bad_request")
    assert "strict-transport-security" not in plain.headers


def test_only_a_trusted_proxy_is_believed_about_the_address(tmp_path: Path, fine_backend: ScriptedBackend) -> None:
    logs = {}
    for proxy in ("127.0.0.1", "192.0.2.0/24"):
        with GatewayProcess(tmp_path / proxy[:3], [fine_backend.port], TRUSTED_PROXIES=proxy) as gateway:
            gateway.client.get("/health", headers={"X-Forwarded-For": "203.0.113.9"})
            wait_until(lambda: 'path="/health"' in gateway.log, "line of the request")
            logs[proxy] = gateway.log

    assert "address=203.0.113.9 " in logs["127.0.0.1"]
    assert "address=203.0.113.9 " not in logs["192.0.2.0/24"]


def test_it_starts_from_a_mounted_configmap(tmp_path: Path) -> None:
    """Kubernetes mounts each file as a link to a link, in a folder that cannot be written to."""
    data = tmp_path / "mounted" / "..data"
    shutil.copytree(GATEWAY_FOLDER, data)
    for file in data.iterdir():
        file.chmod(0o444)
        (data.parent / file.name).symlink_to(Path("..data") / file.name)
    command = ["/bin/sh", str(data.parent / "start.sh"), "-t"]
    environment = {"PATH": "/usr/sbin:/usr/bin:/bin", "GATEWAY_DIR": str(tmp_path / "run"), "MAX_BODY_MB": "7"}
    check = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=60)

    assert check.returncode == 0, check.stderr
    assert "client_max_body_size 7m;" in (tmp_path / "run" / "conf" / "work_limits.conf").read_text(encoding="utf-8")
