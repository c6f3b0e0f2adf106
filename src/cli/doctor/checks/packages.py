"""The installed packages against requirements.txt."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from src.cli.doctor.finding import Finding, fail, ok, skip, warn

if TYPE_CHECKING:
    from src.config.settings import Settings

_REQUIREMENTS = Path(__file__).resolve().parents[4] / "requirements.txt"
_INSTALL = "make install, or: pip install -r requirements.txt"


def look(_settings: Settings | None) -> Iterator[Finding]:
    """Each package that is missing or of another version than pinned."""
    yield from compare(_REQUIREMENTS)


def compare(requirements: Path) -> Iterator[Finding]:
    """The same for any file of requirements that has nothing but requirements, comments and blank lines."""
    if not requirements.is_file():
        yield skip("requirements.txt is not beside the program (it is not in the image): versions are not compared")
        return
    lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    pinned = [Requirement(line) for line in lines if line]
    needed = [requirement for requirement in pinned if requirement.marker is None or requirement.marker.evaluate()]
    wrong = [finding for requirement in needed for finding in _differences(requirement)]
    yield from wrong or [ok(f"{len(needed)} as pinned in requirements.txt")]


def _differences(requirement: Requirement) -> Iterator[Finding]:
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        yield fail(f"{requirement.name} is not installed", _INSTALL)
        return
    if not requirement.specifier.contains(installed, prereleases=True):
        yield warn(f"{requirement.name} is {installed}, not {requirement.specifier} as tested", _INSTALL)
