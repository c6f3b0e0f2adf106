from __future__ import annotations

import platform
from pathlib import Path

from lab.common.machine import describe_machine, processor, telling_flags

CPU_DESCRIPTION = """\
processor\t: 0
model name\t: Some Processor 7000
flags\t\t: fpu avx2 avx512f avx512_bf16 sse2

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""


def test_the_first_processor_gives_its_name_and_its_flags_that_matter(tmp_path: Path) -> None:
    description = tmp_path / "cpuinfo"
    description.write_text(CPU_DESCRIPTION, encoding="ascii")
    assert processor(description) == "Some Processor 7000"
    assert telling_flags(description) == ["avx2", "avx512f", "avx512_bf16"]


def test_without_a_description_python_is_asked(tmp_path: Path) -> None:
    assert processor(tmp_path / "none") == (platform.processor() or platform.machine())
    assert telling_flags(tmp_path / "none") == []


def test_the_machine_is_described_but_not_named() -> None:
    machine = describe_machine()
    assert machine["cores"] >= 1
    assert machine["packages"]["numpy"]
    assert platform.node() not in str(machine) or not platform.node()
