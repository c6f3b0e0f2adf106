"""What every endpoint shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from src.api.access import Doorkeeper
from src.api.admission import Lifecycle, State, Turns, memory_of_requests
from src.api.cors import CorsPolicy
from src.api.envelope import Envelope, legacy_envelope, plain_envelope
from src.api.metrics import Metrics
from src.config.settings import Settings
from src.core.errors import Starting
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
        self.lifecycle = Lifecycle(settings.max_requests_in_flight, settings.max_bytes_in_flight)
        self.doorkeeper = Doorkeeper(settings.api_keys)
        self.cors = CorsPolicy(settings.allowed_origins)
        self.envelope: Envelope = legacy_envelope if settings.legacy_envelope else plain_envelope
        self.metrics = Metrics()
        self.metrics.watch_load(lambda: self.lifecycle.in_flight, lambda: self.lifecycle.state is State.READY)
        self._services: Services | None = None
        self._turns: Turns | None = None

    def attach(self, services: Services) -> None:
        """The services are loaded and warm: requests may come."""
        self._services = services
        turns = self._turns = Turns(services.requests_at_once)
        self.metrics.watch_queue(lambda: turns.waiting)
        self.metrics.set_model(services.model)
        self.lifecycle.ready()

    @property
    def model(self) -> ModelInfo | None:
        """The loaded model; None while it is being loaded."""
        return self._services.model if self._services else None

    @property
    def memory_of_requests(self) -> int:
        """The most that requests can take beside what is loaded, in bytes.

        Raises:
            Starting: the services are not loaded yet.
        """
        return memory_of_requests(self.settings, self.services.requests_at_once, self.services.input_side)

    @property
    def services(self) -> Services:
        """
        Raises:
            Starting: they are not loaded yet.
        """
        if self._services is None:
            raise Starting
        return self._services

    @property
    def turns(self) -> Turns:
        """
        Raises:
            Starting: the services are not loaded yet.
        """
        if self._turns is None:
            raise Starting
        return self._turns

    async def off_the_loop(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        """Runs the function on a worker: reading and writing megabytes of JSON would stall /health."""
        return await self.services.workers.run(function, *args, **kwargs)
