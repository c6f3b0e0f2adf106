"""What every endpoint shares."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from robyn import Request

from src.api.cors import CorsPolicy
from src.api.envelope import Envelope, legacy_envelope, plain_envelope
from src.api.lifecycle import Lifecycle
from src.config.settings import Settings
from src.core.errors import BodyTooLarge, Starting
from src.core.types import ModelInfo

if TYPE_CHECKING:
    # The services import TensorFlow, which takes seconds; the server answers /live before that.
    from src.services.startup import Services

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class ApiContext:
    """Settings, state and services of one process, as the endpoints see them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lifecycle = Lifecycle(settings.max_requests_in_flight)
        self.cors = CorsPolicy(settings.allowed_origins)
        self.envelope: Envelope = legacy_envelope if settings.legacy_envelope else plain_envelope
        self._services: Services | None = None

    def attach(self, services: Services) -> None:
        """The services are loaded and warm: requests may come."""
        self._services = services
        self.lifecycle.ready()

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model; None while it is being loaded."""
        return self._services.model if self._services else None

    @property
    def services(self) -> Services:
        """
        Raises:
            Starting: they are not loaded yet.
        """
        if self._services is None:
            raise Starting
        return self._services

    def body_of(self, request: Request) -> str | bytes:
        """The body as Robyn hands it over: text if it is UTF-8, else bytes.

        Raises:
            BodyTooLarge: more than MAX_BODY_MB.
        """
        body: str | bytes = request.body
        if _size_in_bytes(body) > self.settings.max_body_bytes:
            raise BodyTooLarge(f"The body is larger than the {self.settings.max_body_mb} MiB allowed.")
        return body

    async def off_the_loop(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        """Runs the function on a worker thread: reading and writing megabytes of JSON would stall /health."""
        executor = self.services.executor
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: function(*args, **kwargs))


def _size_in_bytes(body: str | bytes) -> int:
    # JSON with pictures is ASCII, and then no copy is needed to know its size.
    return len(body) if isinstance(body, bytes) or body.isascii() else len(body.encode())
