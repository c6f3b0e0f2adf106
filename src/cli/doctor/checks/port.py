"""The port: free, or taken by the service itself."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

from src.cli.doctor.finding import Finding, fail, ok, skip
from src.config.process import check_port_is_free
from src.config.settings import Settings
from src.core.errors import StartupError

_SECONDS = 3.0


def look(settings: Settings | None) -> Iterator[Finding]:
    """Of LISTEN_ADDRESS and PORT."""
    if settings is None:
        yield skip("not looked at: the settings are wrong")
        return
    address, port = settings.listen_address, settings.port
    try:
        check_port_is_free(address, port)
    except StartupError as error:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  (compared, not listened on)
        if _is_ours(here, port):
            yield ok(f"the service is running on {address}:{port}")
        else:
            yield fail(str(error), "stop what listens there (ss -ltnp), or set another PORT or LISTEN_ADDRESS")
        return
    yield ok(f"{address}:{port} is free")


def _is_ours(address: str, port: int) -> bool:
    """Whether what listens there answers GET /health in the service's words, ready or not."""
    connection = http.client.HTTPConnection(address, port, timeout=_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and {"status", "message", "version", "notice"} <= answer.keys()
