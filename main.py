"""Starts EyeNet Backend: settings, logging, then serve until told to stop."""

from __future__ import annotations

from src.api.stop_signals import block_stop_signals
from src.config.process_environment import prepare_for_numpy

if __name__ == "__main__":
    block_stop_signals()
    prepare_for_numpy()

# The imports below start threads: those that do not inherit the mask would take the signals.
import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from src.api.server import serve
from src.config.logging import configure_logging
from src.config.settings import Settings, load_settings
from src.core.errors import StartupError

if TYPE_CHECKING:
    from src.services.startup import Services


def main() -> int:
    """
    Returns:
        the exit code: 0 after a stop signal, 1 if something failed at start, 2 if the settings are wrong.
    """
    try:
        settings = load_settings()
    except StartupError as error:
        print(f"EyeNet Backend cannot start: {error}", file=sys.stderr)
        return 2
    configure_logging(settings.log_level)
    try:
        return serve(settings, _load_services)
    except StartupError as error:
        print(f"EyeNet Backend cannot start: {error}", file=sys.stderr)
        return 1


def _load_services(settings: Settings, on_pass: Callable[[int], None]) -> Services:
    # Imported here, on the loader's thread: TensorFlow takes seconds, and /live answers meanwhile.
    from src.services.startup import load_services  # noqa: PLC0415

    return load_services(settings, on_pass)


def _exit_at_once(exit_code: int) -> NoReturn:
    # Robyn's own threads may still be taking a request in; when they meet an interpreter that is being torn down, the
    # process aborts. By now everything of ours is closed.
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


if __name__ == "__main__":
    _exit_at_once(main())
