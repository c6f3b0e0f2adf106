"""What the processor can do, as Linux tells it."""

from __future__ import annotations

from pathlib import Path

from src.utils.cpu_flags import cpu_flags


def test_the_flags_of_all_cores(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(
        "processor\t: 0\nflags\t\t: fpu avx\nbugs\t: x\nprocessor\t: 1\nflags\t: fpu avx2\n"
    )
    assert cpu_flags(tmp_path / "cpuinfo") == {"fpu", "avx", "avx2"}


def test_nobody_knows_elsewhere(tmp_path: Path) -> None:
    assert cpu_flags(tmp_path / "gone") == frozenset()
