"""The settings, from the environment and `.env`."""

from __future__ import annotations

from collections.abc import Iterator

from src.cli.doctor.finding import Finding, fail, ok
from src.config.settings import PROJECT_ROOT, Settings, load_settings
from src.core.errors import StartupError


def look(settings: Settings | None) -> Iterator[Finding]:
    """Whether they are valid; if not, which one is wrong."""
    if settings is None:
        try:
            load_settings()
        except StartupError as error:
            yield fail(str(error), "correct it in the environment or in .env; README.md lists what each setting takes")
            return
    env_file = PROJECT_ROOT / ".env"
    source = f"the environment and {env_file}" if env_file.is_file() else "the environment; there is no .env"
    yield ok(f"valid, from {source}")
