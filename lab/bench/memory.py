"""Whether a side's memory grows with the requests that it has answered."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.bench.load import Job, run_apart
from lab.bench.sides.process import SideProcess
from lab.bench.sides.side import Side
from lab.bench.work import PREDICT_1, PREDICT_5, UPLOAD

_AT_ONCE = 16
_SAMPLE_SECONDS = 0.25
# Of twenty requests in turn, so many of each kind: mostly what is mostly sent.
_MIXTURE = {UPLOAD: 16, PREDICT_1: 3, PREDICT_5: 1}


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """
    Attributes:
        requests: that were answered.
        resident_mb: resident memory in MiB, sampled at equal times from the first request to the last answer.
        errors: as `Outcome.errors`.
    """

    requests: int
    resident_mb: list[float]
    errors: dict[str, int]


def measure_memory(side: Side, bodies: Mapping[str, Path], requests: int, log_folder: Path) -> MemoryFigures:
    """Sends so many requests of all kinds, 16 at once, and watches."""
    samples: list[float] = []
    over = threading.Event()
    mixture = [(work.path, str(bodies[work.name])) for work, count in _MIXTURE.items() for _ in range(count)]
    with SideProcess(side, log_folder) as process:

        def sample() -> None:
            while True:
                samples.append(round(process.memory_mb, 1))
                if over.wait(_SAMPLE_SECONDS):
                    return

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            outcome = run_apart(Job(process.port, mixture, _AT_ONCE, count=requests))
        finally:
            over.set()
            sampler.join()
    return MemoryFigures(len(outcome.latencies_ms), samples, outcome.errors)
