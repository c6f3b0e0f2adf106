"""What every endpoint shares."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from pydantic import BaseModel

from src.api.access import Doorkeeper, HostPolicy
from src.api.admission import Admission, Phase
from src.api.answers import Envelope, HttpAnswer, legacy_envelope, plain_envelope
from src.api.cors import CorsPolicy
from src.api.memory_bound import memory_of_requests
from src.api.metrics import Metrics
from src.config.settings import Settings
from src.core.errors import Starting
from src.core.stage_times import Stage, StageTimes
from src.core.types import ModelInfo

if TYPE_CHECKING:
    # The services import TensorFlow, which takes seconds; the server answers /live before that.
    from src.services.startup import Services

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")

_log = logging.getLogger("eyenet.health")


class ApiContext:
    """Settings, state and services of one process, as the endpoints see them.

    Attributes:
        lost: set once this process cannot go on; it is about to end.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.admission = Admission(settings)
        self.doorkeeper = Doorkeeper(settings.api_keys)
        self.hosts = HostPolicy(settings.allowed_hosts)
        self.cors = CorsPolicy(settings.allowed_origins, settings.cors_allowed_headers)
        self.envelope: Envelope = legacy_envelope if settings.legacy_envelope else plain_envelope
        self.metrics = Metrics()
        self.metrics.watch_load(lambda: self.admission.lifecycle.in_flight, self.is_ready)
        self._services: Services | None = None
        self._problems: list[str] = []
        self.lost = threading.Event()

    def attach(self, services: Services) -> None:
        """The services are loaded and warm: requests may come."""
        self._services = services
        self.metrics.watch_queue(lambda: self.admission.line.waiting)
        self.metrics.set_model(services.model)
        self.admission.open(services.requests_at_once, services.frames_at_once)

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

    @property
    def memory_of_requests(self) -> int:
        """The most that requests can take beside what is loaded, in bytes.

        Raises:
            Starting: the services are not loaded yet.
        """
        return memory_of_requests(self.settings, self.services.requests_at_once, self.services.input_side)

    def is_ready(self) -> bool:
        """Whether requests are taken, and every part that works on them says that it can."""
        return self.admission.lifecycle.phase is Phase.READY and not self.problems()

    def problems(self) -> list[str]:
        """What the services say is wrong with them; none while there are no services. What is new of it is logged."""
        problems = self._services.problems() if self._services else []
        for problem in problems:
            if problem not in self._problems:
                _log.error("a part of the service is dead: %s", problem)
        self._problems = list(problems)
        return problems

    def lose(self) -> None:
        """This process cannot go on: no more work is taken, and whoever watches (`api/watch.py`) ends it soon.

        Needs no memory, which may be what there is none of.
        """
        self.lost.set()
        self.admission.lifecycle.drain()

    async def work(
        self,
        times: StageTimes,
        stage: Stage,
        function: Callable[_Arguments, _Result],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> _Result:
        """Runs the function on a worker, its time being that of the stage: megabytes of JSON would stall /health."""

        @functools.wraps(function)
        def measured(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
            with times.measure(stage):
                return function(*args, **kwargs)

        return await self.services.workers.run(measured, *args, **kwargs)

    async def rendered(
        self,
        times: StageTimes,
        render: Callable[_Arguments, BaseModel],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> HttpAnswer:
        """The good answer that the function makes, in the envelope of the settings."""

        @functools.wraps(render)
        def answer(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> HttpAnswer:
            return self.envelope(200, render(*args, **kwargs))

        return await self.work(times, Stage.ENCODE, answer, *args, **kwargs)
