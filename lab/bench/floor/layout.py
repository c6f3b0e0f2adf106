"""Ways to spread passes over the cores, and what was measured of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from src.config.settings import PROJECT_ROOT
from src.services.tensorflow_runtime import cpu_has_bfloat16

BATCH_SIZES = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Layout:
    """An engine, and how its passes share the cores.

    Attributes:
        engine: tensorflow or onnxruntime.
        precision: float32 or bfloat16.
        threads: within one pass.
        callers: passes side by side.
    """

    engine: str
    precision: str
    threads: int
    callers: int


@dataclass(frozen=True, slots=True)
class PassFigures:
    """What was measured with one batch size.

    Attributes:
        batch: eyes in one pass.
        eyes_per_s: with all callers at it.
        latency_ms: until so many eyes are through, alone, shared out among the callers; median.
    """

    batch: int
    eyes_per_s: float
    latency_ms: float


def layouts() -> list[Layout]:
    """One thread per pass and a caller per core, and one caller whose passes take all cores; in each precision."""
    cores = os.cpu_count() or 1
    kinds = [("tensorflow", "float32"), ("onnxruntime", "float32")]
    if cpu_has_bfloat16():
        kinds.append(("tensorflow", "bfloat16"))
    spreads = {(1, cores), (cores, 1)}
    return [Layout(*kind, *spread) for kind in kinds for spread in sorted(spreads)]


def measure_apart(layout: Layout, seconds: float) -> list[PassFigures]:
    """The figures of a layout, one per batch size, from a process of its own: threads are set once per process.

    Args:
        layout: which.
        seconds: for each measurement.

    Raises:
        CalledProcessError: the process failed.
    """
    figures = _json_of("lab.bench.floor.passes", json.dumps({**asdict(layout), "seconds": seconds}))
    return [PassFigures(**item) for item in figures]


def measure_pictures_apart(seconds: float) -> dict[str, float]:
    """See `pictures.measure`; in a process of its own."""
    figures: dict[str, float] = _json_of("lab.bench.floor.pictures", str(seconds))
    return figures


def _json_of(module: str, argument: str) -> Any:
    process = subprocess.run(
        [sys.executable, "-m", module, argument], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    # Libraries talk while they are loaded; the figures are the last line.
    return json.loads(process.stdout.splitlines()[-1])
