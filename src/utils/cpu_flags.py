"""What the processor says that it can do."""

from __future__ import annotations

from pathlib import Path


def cpu_flags(cpu_description: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The processor's flags as Linux on x86 names them; empty where there is no such file to tell."""
    try:
        lines = cpu_description.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return frozenset()
    return frozenset(flag for line in lines if line.startswith("flags") for flag in line.partition(":")[2].split())
