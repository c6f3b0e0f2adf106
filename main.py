"""Starts EyeNet Backend: settings, logging, then serve until told to stop."""

from __future__ import annotations

from src.config.process import block_signals, open_closed_streams, prepare_for_numpy, shield_from_prometheus_variables

if __name__ == "__main__":
    open_closed_streams()
    block_signals()
    prepare_for_numpy()
    shield_from_prometheus_variables()

import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from src.config.logging import configure_logging, log_on_a_thread
from src.config.overseer import Overseer
from src.config.process import exit_at_once
from src.config.settings import Settings, doubts_about_variables, load_settings
from src.core.errors import StartupError
from src.supervisor.supervisor import Supervisor, can_supervise

if TYPE_CHECKING:
    from src.services.startup import Services

_log = logging.getLogger("eyenet.main")


def main() -> int:
    """
    Returns:
        the exit code: 0 after a stop signal, 1 if something failed at start, 2 if the settings are wrong, 3 if the
        server process died again and again before it was ready, 4 if it has no supervisor and could not go on.
    """
    try:
        settings = load_settings()
    except StartupError as error:
        print(f"EyeNet Backend cannot start: {error}", file=sys.stderr)
        return 2
    configure_logging(settings.log_level, settings.log_format)
    for doubt in doubts_about_variables():
        _log.warning(doubt)
    if settings.supervise and can_supervise():
        return Supervisor(lambda line: _serve(settings, line), settings.drain_timeout_s, settings.step_timeout_s).run()
    if settings.supervise:
        _log.warning("this system cannot fork: nothing restarts the service if it dies")
    log_on_a_thread()
    return _serve(settings, Overseer())


def _serve(settings: Settings, overseer: Overseer) -> int:
    # Imported here, because it imports NumPy and Robyn: the supervisor stays small, and without a second thread.
    from src.api.server import serve  # noqa: PLC0415

    def load(settings: Settings, on_pass: Callable[[int], None]) -> Services:
        # Imported here, on the loader's thread: TensorFlow takes seconds, and /live answers meanwhile.
        from src.services.startup import start_services  # noqa: PLC0415

        return start_services(settings, on_pass)

    try:
        return serve(settings, load, overseer)
    except StartupError as error:
        _log.error("cannot start: %s", error)
        return 1


if __name__ == "__main__":
    exit_at_once(main())
