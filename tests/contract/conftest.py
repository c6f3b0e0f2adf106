from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from lab.common.backend import ServiceProcess


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One service with the default settings for all tests that do not hurt it."""
    with ServiceProcess(tmp_path_factory.mktemp("service") / "log") as process:
        yield process


@pytest.fixture(scope="session")
def client(service: ServiceProcess) -> httpx.Client:
    return service.client
