from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.common.backend import ServiceProcess
from lab.common.gateway import NGINX, UNLIMITED, GatewayProcess
from tests.scripted_backend import ScriptedBackend, fine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs_nginx = pytest.mark.skip(reason="nginx is not installed; on Debian and Ubuntu: apt-get install nginx-light")
    for item in items:
        if NGINX is None and "/gateway/test_" in item.path.as_posix() and "needs_no_nginx" not in item.keywords:
            item.add_marker(needs_nginx)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory, service: ServiceProcess) -> Iterator[GatewayProcess]:
    """In front of the real service."""
    folder = tmp_path_factory.mktemp("gateway")
    with GatewayProcess(folder, [service.port], RATE_PER_ADDRESS=UNLIMITED) as process:
        yield process


@pytest.fixture(scope="session")
def fine_backend() -> Iterator[ScriptedBackend]:
    """Answers everything with 200."""
    with ScriptedBackend(fine) as backend:
        yield backend
