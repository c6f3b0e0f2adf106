"""The processor: what TensorFlow's wheels need, and what makes them fast."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from typing import TYPE_CHECKING

from src.cli.doctor.finding import Finding, fail, ok, warn
from src.config.process import cpu_flags

if TYPE_CHECKING:
    from src.config.settings import Settings

_X86 = frozenset({"x86_64", "AMD64", "amd64"})
_NAMED = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")


def look(_settings: Settings | None) -> Iterator[Finding]:
    """Cores and instructions."""
    yield judge(platform.machine(), os.cpu_count() or 1, cpu_flags())


def judge(machine: str, cores: int, flags: frozenset[str]) -> Finding:
    """
    Args:
        machine: as `platform.machine` names it.
        cores: of the machine.
        flags: see `cpu_flags`; empty where nobody knows.
    """
    words = f"{cores} cores, {machine}"
    if machine not in _X86 or not flags:
        return ok(words)
    if "avx" not in flags:
        return fail(f"{words} without AVX, which TensorFlow's wheels need", "use another machine; a newer CPU has AVX")
    if "avx2" not in flags:
        return warn(f"{words} without AVX2: it works, slowly", "use a CPU with AVX2 where speed matters")
    return ok(f"{words}, {' '.join(name for name in _NAMED if name in flags)}")
