"""Settings for the checks, whatever the developer's `.env` says."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from src.cli.doctor.checks import Finding, Status
from src.config.settings import Settings

Configure = Callable[..., None]


def the_one(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    assert (finding.advice is not None) == (finding.status in {Status.WARN, Status.FAIL})
    return finding


@pytest.fixture(autouse=True)
def configure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """The default settings, with the changes that a test asks for."""

    def configure(**changes: object) -> None:
        changed = settings.model_copy(update=changes)
        monkeypatch.setattr("src.config.settings.load_settings", lambda: changed)

    configure()
    return configure
