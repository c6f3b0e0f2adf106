"""How much is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.bench.sides.side import FASTAPI_ONNX, SERVICE, SERVICE_BFLOAT16, SERVICE_FLOAT32, USUAL
from src.services.tensorflow_runtime import cpu_has_bfloat16


def _sides() -> tuple[str, ...]:
    """By default the service runs in one of its precisions; the other one is measured beside it where there is one."""
    other = SERVICE_BFLOAT16 if cpu_has_bfloat16() else SERVICE_FLOAT32
    return tuple(side.name for side in (SERVICE, other, FASTAPI_ONNX, USUAL))


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of a full run.

    Attributes:
        rounds: each starts every side once.
        seconds: for each cell of the table.
        floor_seconds: for each measurement of the floor.
        at_once: numbers of requests at once, rising.
        sides: names; the floor is always measured.
        patience_s: a cell is left out where answering all that is sent at once would take longer.
        memory_requests: after which the memory must not have grown.
        agreement_variants: different pictures of each work that are sent one by one and all at once.
    """

    rounds: int = 3
    seconds: float = 2.5
    floor_seconds: float = 0.7
    at_once: Sequence[int] = (1, 4, 16, 64)
    sides: Sequence[str] = field(default_factory=_sides)
    patience_s: float = 16.0
    memory_requests: int = 2000
    agreement_variants: int = 8


FULL = Plan()
QUICK = Plan(
    rounds=1,
    seconds=1.0,
    floor_seconds=0.2,
    at_once=(1, 16, 64),
    patience_s=12.0,
    memory_requests=200,
    agreement_variants=4,
)
