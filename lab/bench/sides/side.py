"""The servers that are compared: how each is started."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Side:
    """One server.

    Attributes:
        name: short, of files, figures and --sides.
        title: as a person reads it.
        command: starts it in the repository's root; it listens on PORT and answers /health with 200 when it is ready.
        environment: added to that of whoever runs the benchmark.
    """

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


# Memory and processor time are those of the process that is started: it has to be the one that serves.
_UNSUPERVISED = {"SUPERVISE": "false"}
SERVICE = Side("service", "this service", (sys.executable, "main.py"), _UNSUPERVISED)
SERVICE_FLOAT32 = Side(
    "service_float32",
    "this service in float32",
    (sys.executable, "main.py"),
    {**_UNSUPERVISED, "INFERENCE_PRECISION": "float32"},
)
SERVICE_BFLOAT16 = Side(
    "service_bfloat16",
    "this service in bfloat16",
    (sys.executable, "main.py"),
    {**_UNSUPERVISED, "INFERENCE_PRECISION": "bfloat16"},
)
# Its small matrix products would wake OpenBLAS' threads, which then stand in the way of those that have work.
FASTAPI_ONNX = Side(
    "fastapi_onnx",
    "FastAPI and ONNX Runtime",
    (sys.executable, "-m", "lab.bench.sides.fastapi_onnx"),
    {"OPENBLAS_NUM_THREADS": "1"},
)
USUAL = Side("usual", "the usual way", (sys.executable, "-m", "lab.bench.sides.usual"))
SIDES = (SERVICE, SERVICE_FLOAT32, SERVICE_BFLOAT16, FASTAPI_ONNX, USUAL)
