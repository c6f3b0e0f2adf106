"""TensorFlow, its device and the model, in a process of their own: what aborts there does not end the doctor."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.cli.doctor.finding import Finding, fail, ok, skip, warn
from src.config.settings import PROJECT_ROOT, Settings

_SECONDS = 300
_NVIDIA_DEVICE = Path("/dev/nvidiactl")


def look(settings: Settings | None) -> Iterator[Finding]:
    """Whether the model loads, fits the settings and answers, and on what it runs."""
    if settings is None:
        yield skip("not loaded: the settings are wrong")
        return
    try:
        process = subprocess.run(
            [sys.executable, "-m", "src.cli.doctor.model_probe"],
            cwd=PROJECT_ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield fail(f"the model did not answer within {_SECONDS} s", "see whether the machine is busy, and try again")
        return
    yield from judge(process.returncode, process.stdout, has_nvidia_device=_NVIDIA_DEVICE.exists())


def judge(exit_code: int, output: bytes, *, has_nvidia_device: bool) -> Iterator[Finding]:
    """What the probe said, or how it ended.

    Args:
        exit_code: of the probe; negative for a signal.
        output: whose last line is JSON, if it got as far.
        has_nvidia_device: whether the machine's driver shows a GPU.
    """
    found = _last_line(output)
    if found is None:
        end = f"signal {signal.Signals(-exit_code).name}" if exit_code < 0 else f"exit code {exit_code}"
        yield fail(
            f"loading TensorFlow and the model ended with {end}",
            "reinstall (make clean install); SIGILL means that the CPU is too old, SIGKILL too little memory",
        )
    elif "problem" in found:
        yield fail(found["problem"], found["advice"])
    else:
        yield ok(
            f"TensorFlow {found['tensorflow']}; the model loads, fits CLASSES and GRAD_CAM_LAYER, and answers "
            f"({found['seconds']:.1f} s, {found['precision']}, {found['detection']})"
        )
        yield _device(found, has_nvidia_device=has_nvidia_device)


def _device(found: dict[str, Any], *, has_nvidia_device: bool) -> Finding:
    built = "built with CUDA" if found["built_with_cuda"] else "built without CUDA"
    if found["device"] != "CPU":
        return ok(f"runs on {found['device']} ({built})")
    if has_nvidia_device:
        return warn(
            f"runs on the CPU, though there is an NVIDIA GPU; TensorFlow is {built}",
            "nvidia-smi must work; TensorFlow 2.14 wants CUDA 11.8 and cuDNN 8 (the image has both), and Python 3.10 "
            "or 3.11; in Docker, --gpus all",
        )
    return ok(f"runs on the CPU: no GPU found (TensorFlow is {built})")


def _last_line(output: bytes) -> dict[str, Any] | None:
    lines = output.splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
