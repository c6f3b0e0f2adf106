"""What the files in requirements/locks say: exact versions, the hashes of their files, who asked for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# The version, its hashes, the comment behind them.
_ENTRY = re.compile(r"^[^#\s].*(?:\n .*)*", re.MULTILINE)
_HASH = re.compile(r"--hash=(\S+)")
_VIA = re.compile(r"# via (.+)")


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
    return [_package(entry, file) for entry in _ENTRY.findall(file.read_text(encoding="utf-8"))]


def _package(entry: str, file: Path) -> LockedPackage:
    pinned = re.split(r" \\| --hash", entry.splitlines()[0])[0]
    requirement = Requirement(pinned)
    (pin,) = requirement.specifier or (None,)
    if pin is None or pin.operator != "==" or pin.version.endswith("*") or requirement.extras:
        raise ValueError(f"{file.name}: {pinned} is not an exact version")
    return LockedPackage(
        name=canonicalize_name(requirement.name),
        version=pin.version,
        marker=requirement.marker,
        hashes=tuple(_HASH.findall(entry)),
        asked_for_by=tuple(name for names in _VIA.findall(entry) for name in names.split(", ")),
    )
