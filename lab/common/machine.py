"""The machine that figures were measured on, without anything that names it."""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from src.config.process import cpu_flags

_CPU_DESCRIPTION = Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = ("avx512_bf16", "amx_bf16")
# What decides how fast a network is on a processor.
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", *_BFLOAT16_FLAGS)
_PACKAGES = (
    "tensorflow", "onnxruntime", "robyn", "fastapi", "uvicorn", "uvloop", "numpy", "pillow", "opencv-python-headless",
    "dlib-bin",
)  # fmt: skip


def describe_machine() -> dict[str, Any]:
    """Processor, cores, flags, memory, system, versions, and how busy it was before anything was measured."""
    return {
        "processor": processor(_CPU_DESCRIPTION),
        "cores": os.cpu_count(),
        "flags": telling_flags(_CPU_DESCRIPTION),
        "memory_gib": round(psutil.virtual_memory().total / 1024**3, 1),
        "system": _system(),
        "python": platform.python_version(),
        "packages": _versions(),
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def machine_in_words(machine: Mapping[str, Any]) -> str:
    """Such as: AMD EPYC, 2 cores (avx2), 16.0 GiB; Debian, Linux 6.1 x86_64."""
    cores = f"{machine['cores']} cores ({', '.join(machine['flags']) or 'no AVX2'})"
    return f"{machine['processor']}, {cores}, {machine['memory_gib']} GiB; {machine['system']}"


def versions_in_words(machine: Mapping[str, Any]) -> str:
    """Such as: Python 3.11.7; numpy 1.26.4, robyn 0.88.0."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return f"Python {machine['python']}; {packages}"


def cpu_has_bfloat16() -> bool:
    """As the service finds it; asking that would load TensorFlow."""
    return not cpu_flags().isdisjoint(_BFLOAT16_FLAGS)


def processor(cpu_description: Path) -> str:
    """Name of the first one in /proc/cpuinfo, or what Python knows of it."""
    with contextlib.suppress(OSError):
        for line in cpu_description.read_text(encoding="ascii", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def telling_flags(cpu_description: Path) -> list[str]:
    flags = cpu_flags(cpu_description)
    return [flag for flag in _TELLING_FLAGS if flag in flags]


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()} {platform.machine()}"


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            versions[package] = version(package)
    return versions
