"""The gateway's files agree with the service's settings and with each other."""

from __future__ import annotations

import re
import stat

import pytest

from src.config.settings import Settings
from tests.gateway.gateway_process import GATEWAY_FOLDER

FILES = {file.name: file.read_text(encoding="utf-8") for file in sorted(GATEWAY_FOLDER.glob("*.conf"))}
ALL = "\n".join(FILES.values())


def value(directive: str) -> str:
    found = re.findall(rf"^\s*{directive} ([^;]+);", ALL, re.MULTILINE)
    assert len(found) == 1, f"{directive} stands {len(found)} times"
    return str(found[0])


def seconds(directive: str) -> int:
    return int(value(directive).removesuffix("s"))


@pytest.mark.needs_no_nginx
def test_the_body_limit_is_the_services(settings: Settings) -> None:
    assert value("client_max_body_size") == value("client_body_buffer_size") == f"{settings.max_body_mb}m"


@pytest.mark.needs_no_nginx
def test_the_origins_are_the_services(settings: Settings) -> None:
    assert f'default "{",".join(settings.allowed_origins)}";' in FILES["origins.conf"]


@pytest.mark.needs_no_nginx
def test_the_backend_gives_up_before_the_gateway_does(settings: Settings) -> None:
    request_timeout_s = getattr(settings, "request_timeout_s", 60)
    assert seconds("proxy_read_timeout") == request_timeout_s + 15
    assert seconds("proxy_next_upstream_timeout") < request_timeout_s


@pytest.mark.needs_no_nginx
def test_one_address_cannot_fill_a_backend_alone(settings: Settings) -> None:
    at_once = int(value("limit_conn requests_at_once_of_address").split()[-1])
    assert at_once < settings.max_requests_in_flight


@pytest.mark.needs_no_nginx
def test_the_start_script_can_be_run() -> None:
    assert (GATEWAY_FOLDER / "start.sh").stat().st_mode & stat.S_IXUSR
