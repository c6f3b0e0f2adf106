from __future__ import annotations

import platform

from lab.bench.machine import describe_machine, parse_cpu_description

CPU_DESCRIPTION = """\
processor\t: 0
model name\t: Some Processor 7000
flags\t\t: fpu avx2 avx512f avx512_bf16 sse2

processor\t: 1
model name\t: Another
flags\t\t: fpu
"""


def test_the_first_processor_gives_its_name_and_the_flags_that_matter() -> None:
    name, flags = parse_cpu_description(CPU_DESCRIPTION.splitlines())
    assert name == "Some Processor 7000"
    assert flags == ["avx2", "avx512f", "avx512_bf16"]


def test_without_a_description_there_is_no_name() -> None:
    assert parse_cpu_description([]) == (None, [])


def test_the_machine_is_described_but_not_named() -> None:
    machine = describe_machine()
    assert machine["cores"] >= 1
    assert machine["packages"]["numpy"]
    assert platform.node() not in str(machine) or not platform.node()
