"""Listens, loads the services meanwhile, and stops without losing a request."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from src.api.app import build_app
from src.api.context import ApiContext
from src.api.watch import Watch
from src.config.overseer import Overseer
from src.config.process import FLUSH_S, NOTED_SIGNALS, STOP_SIGNALS, check_port_is_free, shield_from_robyn_variables
from src.config.settings import Settings
from src.core.errors import StartupError

if TYPE_CHECKING:
    # Importing the services imports TensorFlow; `load_services` does that, on its own thread.
    from src.services.startup import Services

LoadServices: TypeAlias = "Callable[[Settings, Callable[[int], None]], Services]"
"""Loads the services; what it is given second is to be called before each pass through the network with its eyes."""

_log = logging.getLogger("eyenet.server")

_STOP_INTERVAL_SECONDS = 0.05


def serve(settings: Settings, load_services: LoadServices, overseer: Overseer) -> int:
    """Runs the service until it is told to stop.

    Args:
        settings: of the whole service.
        load_services: called on a thread of its own, while `/health` already answers 503 and `/live` 200.
        overseer: is told how the process is, and knows how often it was started and whether it is to hurry.

    A process that cannot go on ends at once, with the exit code `LOST` (`watch.py`).

    Returns:
        the exit code: 0 after a stop signal, 1 if the services could not be loaded.

    Raises:
        StartupError: the port is taken.
    """
    check_port_is_free(settings.listen_address, settings.port)
    return _Server(settings, load_services, overseer).run()


class _Server:
    def __init__(self, settings: Settings, load_services: LoadServices, overseer: Overseer) -> None:
        self._settings = settings
        self._load_services = load_services
        self._overseer = overseer
        self._context = ApiContext(settings)
        self._context.metrics.count_restarts(overseer.restarts)
        self._services: Services | None = None
        self._has_returned = threading.Event()
        self._has_given_up = False
        self._exit_code = 0

    def run(self) -> int:
        app = build_app(self._context)
        shield_from_robyn_variables()
        app.startup_handler(self._on_startup)
        # The port was checked already; Robyn's own check asks on standard input and spins without one.
        with contextlib.suppress(KeyboardInterrupt):
            app.start(host=self._settings.listen_address, port=self._settings.port, _check_port=False)
        self._has_returned.set()
        # What is still worked on then, nobody waits for; it may never come to its end.
        if self._services is not None and not self._has_given_up:
            self._services.close()
        _log.info("stopped")
        return self._exit_code

    async def _on_startup(self) -> None:
        loop = asyncio.get_running_loop()
        address, port = self._settings.listen_address, self._settings.port
        if ipaddress.ip_address(address).is_loopback:
            _log.info("listening on http://%s:%d for this machine only, loading the model", address, port)
        else:
            _log.warning("listening on http://%s:%d; keep it behind the gateway (deploy/gateway)", address, port)
        threading.Thread(target=self._load, args=(loop,), name="loader", daemon=True).start()
        if hasattr(signal, "sigwait"):
            threading.Thread(target=self._stop_on_signal, args=(loop,), name="stop-signal", daemon=True).start()

    def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            self._services = self._load_services(self._settings, self._context.metrics.observe_batch)
        except StartupError as error:
            _log.error("cannot start: %s", error)
        except Exception:
            _log.exception("cannot start")
        else:
            # Before any request can come that might end the process: it has been ready.
            self._overseer.beat()
            self._context.attach(self._services)
            model = self._services.model
            _log.info(
                "ready model=%s sha256=%s device=%r memory_of_requests_mb=%d",
                model.name,
                model.short_hash,
                model.device,
                self._context.memory_of_requests >> 20,
            )
            watch = Watch(self._context, loop, self._overseer.beat)
            threading.Thread(target=watch.run, name="watch", daemon=True).start()
            return
        self._exit_code = 1
        self._stop_loop(loop)

    def _stop_on_signal(self, loop: asyncio.AbstractEventLoop) -> None:
        while (received := signal.Signals(signal.sigwait(STOP_SIGNALS | NOTED_SIGNALS))) in NOTED_SIGNALS:
            _log.info("%s means nothing here", received.name)
        self._overseer.stopping()
        lifecycle = self._context.admission.lifecycle
        lifecycle.drain()
        _log.info("%s: draining, %d requests in flight", received.name, lifecycle.in_flight)
        if not lifecycle.wait_until_idle(self._settings.drain_timeout_s, hurry=self._overseer.hurry):
            self._has_given_up = True
            _log.warning("stopping with %d requests unanswered", lifecycle.in_flight)
        time.sleep(FLUSH_S)
        self._stop_loop(loop)

    def _stop_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        # Robyn runs the loop twice, once inside its server and once after it, so one stop is not enough.
        while not self._has_returned.wait(_STOP_INTERVAL_SECONDS):
            loop.call_soon_threadsafe(loop.stop)
