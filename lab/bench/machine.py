"""The machine that figures were measured on, without anything that names it."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_CPU_DESCRIPTION = Path("/proc/cpuinfo")
# What decides how fast a network is on a processor.
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
_PACKAGES = (
    "tensorflow",
    "onnxruntime",
    "robyn",
    "fastapi",
    "uvicorn",
    "uvloop",
    "numpy",
    "pillow",
    "opencv-python-headless",
    "dlib-bin",
)


def describe_machine() -> dict[str, Any]:
    """Processor, cores, flags, memory, system, versions, and how busy it was before anything was measured."""
    model, flags = _cpu()
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "flags": flags,
        "memory_gib": _memory_gib(),
        "system": _system(),
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "load_before": _load_before(),
    }


def parse_cpu_description(lines: Sequence[str]) -> tuple[str | None, list[str]]:
    """Name and telling flags of the first processor in the lines of /proc/cpuinfo."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", "").split())
    return fields.get("model name"), [flag for flag in _TELLING_FLAGS if flag in flags]


def _cpu() -> tuple[str, list[str]]:
    lines: list[str] = []
    with contextlib.suppress(OSError):
        lines = _CPU_DESCRIPTION.read_text(encoding="ascii", errors="replace").splitlines()
    model, flags = parse_cpu_description(lines)
    return model or platform.processor() or platform.machine(), flags


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1)
    except (AttributeError, ValueError, OSError):
        return None


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()} {platform.machine()}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _load_before() -> float | None:
    try:
        return round(os.getloadavg()[0], 2)
    except (AttributeError, OSError):
        return None
