"""What the doctor looks at, one function per check, each a generator of findings.

A check imports what it needs when it runs: a package that is missing or broken spoils no other check.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src.config.settings import Settings

_OLDEST_PYTHON, _NEWEST_PYTHON = (3, 10), (3, 13)

_REQUIREMENTS = Path(__file__).resolve().parents[3] / "requirements.txt"
_INSTALL = "make install, or: pip install -r requirements.txt"

_X86 = frozenset({"x86_64", "AMD64", "amd64"})
_NAMED_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")

# GiB, measured by the benchmark: about 1 after the start, 1.7 with 64 requests of five frames at once.
_MEMORY_TO_START, _MEMORY_UNDER_LOAD = 1.0, 2.0
# What a container may have at most, by control groups of version 2 and 1.
_MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

# MiB: the landmark file that the first start copies has 96.
_TOO_LITTLE_DISK, _LITTLE_DISK = 200, 1024

_HEALTH_SECONDS = 3.0


class Status(str, Enum):
    """How it stands: `skip` where a check could not look, or was not asked to."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's.

    Attributes:
        message: what is.
        advice: what to do about it; None where there is nothing to do.
    """

    status: Status
    message: str
    advice: str | None = None


def ok(message: str) -> Finding:
    return Finding(Status.OK, message)


def warn(message: str, advice: str) -> Finding:
    return Finding(Status.WARN, message, advice)


def fail(message: str, advice: str) -> Finding:
    return Finding(Status.FAIL, message, advice)


def skip(message: str) -> Finding:
    return Finding(Status.SKIP, message)


def valid_settings() -> Settings | None:
    """The service's settings; None while one of them is wrong. A missing package raises what it raises."""
    from src.config.settings import load_settings

    try:
        return load_settings()
    except Exception:
        # Whatever it is, the check of the settings meets it again and says it.
        return None


def check_python() -> Iterator[Finding]:
    """Whether there are wheels of everything for this version."""
    version = sys.version.split()[0]
    if _OLDEST_PYTHON <= sys.version_info[:2] <= _NEWEST_PYTHON:
        yield ok(f"{version} ({sys.executable})")
    else:
        yield fail(
            f"{version}: the pinned packages have wheels for Python 3.10 to 3.13",
            "make install PYTHON=python3.11, or another of these",
        )


def check_packages(requirements: Path = _REQUIREMENTS) -> Iterator[Finding]:
    """Each package that is missing or of another version than pinned in a list without options."""
    from importlib.metadata import PackageNotFoundError, version

    from packaging.requirements import Requirement

    if not requirements.is_file():
        yield skip("requirements.txt is not beside the program (it is not in the image): versions are not compared")
        return
    lines = (line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines())
    pinned = [Requirement(line) for line in lines if line]
    needed = [package for package in pinned if package.marker is None or package.marker.evaluate()]
    as_pinned = 0
    for package in needed:
        try:
            installed = version(package.name)
        except PackageNotFoundError:
            yield fail(f"{package.name} is not installed", _INSTALL)
            continue
        if package.specifier.contains(installed, prereleases=True):
            as_pinned += 1
        else:
            yield warn(f"{package.name} is {installed}, not {package.specifier} as tested", _INSTALL)
    if as_pinned == len(needed):
        yield ok(f"{as_pinned} as pinned in requirements.txt")


def check_processor() -> Iterator[Finding]:
    """Cores and instructions."""
    from src.config.process import cpu_flags, usable_cores

    yield judge_processor(platform.machine(), usable_cores(), cpu_flags())


def judge_processor(machine: str, cores: int, flags: frozenset[str]) -> Finding:
    """Whether TensorFlow's wheels run on it, and what makes them fast; no flags where nobody knows them."""
    words = f"{cores} cores, {machine}"
    if machine not in _X86 or not flags:
        return ok(words)
    if "avx" not in flags:
        return fail(f"{words} without AVX, which TensorFlow's wheels need", "use another machine; a newer CPU has AVX")
    if "avx2" not in flags:
        return warn(f"{words} without AVX2: it works, slowly", "use a CPU with AVX2 where speed matters")
    return ok(f"{words}, {' '.join(name for name in _NAMED_FLAGS if name in flags)}")


def check_memory(limits: Sequence[Path] = _MEMORY_LIMITS) -> Iterator[Finding]:
    """The machine's memory, or the container's limit where that is less."""
    try:
        least = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        yield skip("this system does not say how much there is; the service needs 2 GiB")
        return
    for file in limits:
        try:
            limit = file.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if limit.isdigit():
            least = min(least, int(limit))
    yield judge_memory(least / 1024**3)


def judge_memory(gibibytes: float) -> Finding:
    words = f"{gibibytes:.1f} GiB"
    if gibibytes < _MEMORY_TO_START:
        return fail(f"{words}: the service does not start with less than 1 GiB", "give it 2 GiB or more")
    if gibibytes < _MEMORY_UNDER_LOAD:
        return warn(f"{words}: enough to start, not for load", "give it 2 GiB, or lower MAX_REQUESTS_IN_FLIGHT")
    return ok(words)


def check_settings() -> Iterator[Finding]:
    """Whether they are valid; if not, which one is wrong. Names that are nearly settings, or nobody's."""
    from src.config.settings import ENV_FILE, doubts_about_variables, load_settings, strange_lines
    from src.core.errors import StartupError

    try:
        load_settings()
    except StartupError as error:
        yield fail(str(error), "correct it in the environment or in .env; docs/configuration.md lists all settings")
        return
    for doubt in doubts_about_variables():
        yield warn(doubt, "rename it, or unset it for the service; docs/configuration.md lists all settings")
    if strange := ", ".join(map(str, strange_lines())):
        yield warn(f"{ENV_FILE} sets what is no setting: lines {strange}", "nothing, if another program reads them")
    source = f"the environment and {ENV_FILE}" if ENV_FILE.exists() else "the environment; there is no .env"
    yield ok(f"valid, from {source}")


def check_folders() -> Iterator[Finding]:
    """Those for pictures, if pictures are saved."""
    settings = valid_settings()
    if settings is None:
        yield skip("not looked at: the settings are wrong")
        return
    if not (settings.save_temp_images or settings.save_eyes):
        yield ok("none is written to: SAVE_TEMP_IMAGES and SAVE_EYES are off")
    if settings.save_temp_images:
        yield judge_folder("TEMP_IMAGES_DIR", settings.temp_images_dir)
    if settings.save_eyes:
        yield judge_folder("SAVED_EYES_DIR", settings.saved_eyes_dir)


def judge_folder(name: str, folder: Path) -> Finding:
    """Whether files can be made in it; one that is missing is made by the service. Nothing is written."""
    existing = _nearest_existing(folder)
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ok(f"{name} {folder} can be written to")
    return fail(
        f"{name} {folder} cannot be written to",
        f"give {existing} to the user that runs the service (in the image: chown 10001:10001), or set {name}",
    )


def check_disk() -> Iterator[Finding]:
    """Free space where the service lives and writes, each disk once."""
    from src.config.settings import PROJECT_ROOT

    settings = valid_settings()
    places = {PROJECT_ROOT}
    if settings is not None and (settings.save_temp_images or settings.save_eyes):
        places |= {settings.temp_images_dir, settings.saved_eyes_dir}
    disks = {place.stat().st_dev: place for place in sorted(map(_nearest_existing, places))}
    for place in disks.values():
        yield judge_disk(place, shutil.disk_usage(place).free // 1024**2)


def judge_disk(place: Path, mebibytes: int) -> Finding:
    words = f"{mebibytes / 1024:.1f} GiB free at {place}"
    advice = "free some: docs/operations.md, Cleaning"
    if mebibytes < _TOO_LITTLE_DISK:
        return fail(words, advice)
    return warn(words, advice) if mebibytes < _LITTLE_DISK else ok(words)


def check_port() -> Iterator[Finding]:
    """LISTEN_ADDRESS and PORT: free, or taken by the service itself."""
    from src.config.process import check_port_is_free
    from src.core.errors import StartupError

    settings = valid_settings()
    if settings is None:
        yield skip("not looked at: the settings are wrong")
        return
    address, port = settings.listen_address, settings.port
    try:
        check_port_is_free(address, port)
    except StartupError as error:
        here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  (compared, not listened on)
        if _is_ours(here, port):
            yield ok(f"the service is running on {address}:{port}")
        else:
            yield fail(str(error), "stop what listens there (ss -ltnp), or set another PORT or LISTEN_ADDRESS")
        return
    yield ok(f"{address}:{port} is free")


def _is_ours(address: str, port: int) -> bool:
    """Whether what listens there answers GET /health in the service's words, ready or not."""
    connection = http.client.HTTPConnection(address, port, timeout=_HEALTH_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read())
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and {"status", "message", "version", "notice"} <= answer.keys()


def _nearest_existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
