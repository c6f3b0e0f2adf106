"""The servers that are compared, how much is measured of them, and what the command line makes of that."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.common.backend import ServiceProcess
from lab.common.machine import cpu_has_bfloat16
from lab.common.results import parser_of
from src.config.settings import PROJECT_ROOT

PAGE_FOLDER = PROJECT_ROOT / "lab" / "bench"
TRIAL_FOLDER = PROJECT_ROOT / "build" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Side:
    """One server. Its command is run in the repository's root with more variables in its environment, listens on PORT,
    and answers /health with 200 when it is ready.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, Any] = field(default_factory=dict)

    def process(self, log_folder: Path) -> ServiceProcess:
        """To be started on a free port, without a supervisor: memory and processor time are those of one process."""
        log_file = log_folder / f"{self.name}.log"
        return ServiceProcess(log_file, command=self.command, SUPERVISE="false", **self.environment)


_MAIN = (sys.executable, "main.py")
SERVICE = Side("service", "this service", _MAIN)
SERVICE_FLOAT32 = Side("service_float32", "this service in float32", _MAIN, {"INFERENCE_PRECISION": "float32"})
SERVICE_BFLOAT16 = Side("service_bfloat16", "this service in bfloat16", _MAIN, {"INFERENCE_PRECISION": "bfloat16"})
# Its small matrix products would wake OpenBLAS' threads, which then stand in the way of those that have work.
FASTAPI_ONNX = Side(
    "fastapi_onnx",
    "FastAPI and ONNX Runtime",
    (sys.executable, "-m", "lab.bench.sides.fastapi_onnx"),
    {"OPENBLAS_NUM_THREADS": "1"},
)
USUAL = Side("usual", "the usual way", (sys.executable, "-m", "lab.bench.sides.usual"))
SIDES = (SERVICE, SERVICE_FLOAT32, SERVICE_BFLOAT16, FASTAPI_ONNX, USUAL)
TITLES = {side.name: side.title for side in SIDES}


def _sides() -> tuple[str, ...]:
    """The service in its default precision and in the other one if there is one, and what others would write."""
    other = SERVICE_BFLOAT16 if cpu_has_bfloat16() else SERVICE_FLOAT32
    return tuple(side.name for side in (SERVICE, other, FASTAPI_ONNX, USUAL))


@dataclass(frozen=True, slots=True)
class Plan:
    """The defaults are those of a full run.

    Attributes:
        rounds: each starts every side once.
        seconds: for each cell of the table; `floor_seconds`: for each measurement of the floor.
        at_once: numbers of requests at once, rising.
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
QUICK = Plan(1, 1.0, 0.2, at_once=(1, 16, 64), patience_s=12.0, memory_requests=200, agreement_variants=4)


def parse_arguments(words: Sequence[str] | None = None) -> tuple[Plan, argparse.Namespace]:
    """The plan, and the words as they were given (`quick`, `redraw`) with the folder `out` of page and figures."""
    given = parser_of(
        "bench",
        "Compares this service with what others would write, and writes a page about it. A full run takes about twenty "
        "minutes on two cores, --quick about four; let the machine do nothing else meanwhile.",
    ).parse_args(words)
    # Only a full run replaces the page that is shown to others.
    given.out = TRIAL_FOLDER if given.quick else PAGE_FOLDER
    return QUICK if given.quick else FULL, given
