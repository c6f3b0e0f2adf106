"""What the files in requirements/locks say: exact versions, the hashes of their files, who asked for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"--hash=(\S+)")
_VIA = "# via "


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One version of one package.

    Attributes:
        name: as the index spells it: lower case, dashes.
        marker: for which Pythons and systems; None for all.
        hashes: of every file of this version, `sha256:` and 64 hexadecimal digits.
        asked_for_by: names of packages, and `-r` or `-c` with a file.
    """

    name: str
    version: str
    marker: Marker | None
    hashes: tuple[str, ...]
    asked_for_by: tuple[str, ...]


def read_lock(file: Path) -> list[LockedPackage]:
    """Every package of a lock, in its order.

    Raises:
        ValueError: a line is neither a comment nor an exact version with its hashes.
    """
    return [_package(entry, file) for entry in _entries(file.read_text(encoding="utf-8"))]


def _entries(text: str) -> Iterator[list[str]]:
    """The lines of each package: the version, its hashes, the comment behind them."""
    entry: list[str] = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith(" ") and entry:
            yield entry
            entry = []
        entry.append(line.strip().removesuffix("\\").strip())
    if entry:
        yield entry


def _package(entry: list[str], file: Path) -> LockedPackage:
    requirement = Requirement(entry[0].partition(" --hash")[0])
    (pin,) = requirement.specifier or (None,)
    if pin is None or pin.operator != "==" or pin.version.endswith("*") or requirement.extras:
        raise ValueError(f"{file.name}: {entry[0]} is not an exact version")
    return LockedPackage(
        name=canonicalize_name(requirement.name),
        version=pin.version,
        marker=requirement.marker,
        hashes=tuple(found for line in entry for found in _HASH.findall(line)),
        asked_for_by=tuple(
            name for line in entry if line.startswith(_VIA) for name in line.removeprefix(_VIA).split(", ")
        ),
    )
