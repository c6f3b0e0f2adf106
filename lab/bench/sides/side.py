"""The servers that are compared: how each is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.common.backend import ServiceProcess


@dataclass(frozen=True, slots=True)
class Side:
    """One server.

    Attributes:
        name: short, of files, figures and --sides.
        title: as a person reads it.
        command: run in the repository's root; it listens on PORT and answers /health with 200 when it is ready.
        environment: more variables.
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
