"""Mixed load with some poison in it for half an hour, through the gateway to one backend, which is looked into."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from lab.bench.work import PREDICT_1, PREDICT_5, UPLOAD
from lab.chaos.backend import Backend, usage_of
from lab.chaos.good_traffic import UNLIMITED
from lab.chaos.plan import Plan
from lab.chaos.poison import Poisoner
from lab.chaos.say import Say
from lab.chaos.steady_load import SteadyJob, SteadyLoad
from lab.common.backend import free_port
from lab.common.gateway import GatewayProcess
from src.config.settings import PROJECT_ROOT, load_settings

# Of twenty good requests in turn: mostly what is mostly sent.
_MIXTURE = (UPLOAD,) * 8 + (PREDICT_1,) + (UPLOAD,) * 7 + (PREDICT_1,) * 3 + (PREDICT_5,)
POISON_SHARE = 0.05
"""Of all requests."""

_SAMPLES = 600
_SHORTEST_SAMPLE_SECONDS = 0.5
_SAY_EVERY_SECONDS = 300.0


def measure_soak(plan: Plan, bodies: Mapping[str, Path], folder: Path, say: Say) -> dict[str, Any]:
    """Samples of the server process, every good request, and what the poison was answered."""
    samples: list[dict[str, Any]] = []
    interval = max(_SHORTEST_SAMPLE_SECONDS, plan.soak_s / _SAMPLES)
    requests = [(work.path, str(bodies[work.name])) for work in _MIXTURE]
    with (
        # A folder of its own for temporary files: whatever the service leaves in it is a leak.
        tempfile.TemporaryDirectory() as temporary,
        Backend(free_port(), folder / "soak.backend.log", TMPDIR=temporary) as backend,
        GatewayProcess(folder / "soak.gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
        SteadyLoad(SteadyJob(gateway.port, requests, plan.soak_rate, connections=16)) as load,
        Poisoner(gateway.port, plan.soak_rate * POISON_SHARE / (1 - POISON_SHARE)) as poisoner,
    ):
        pid, said = backend.server_pid(), 0.0
        files_before = _files_on_disk(Path(temporary))
        while load.elapsed_s < plan.soak_s:
            samples.append({"at_s": round(load.elapsed_s, 1), **_sample(backend)})
            if load.elapsed_s - said >= _SAY_EVERY_SECONDS:
                said = load.elapsed_s
                say(f"{said / 60:.0f} of {plan.soak_s / 60:.0f} minutes, {samples[-1].get('resident_mb')} MiB")
            threading.Event().wait(interval)
        same_process = backend.server_pid() == pid
        files_after = _files_on_disk(Path(temporary))
    outcome = load.outcome
    return {
        "seconds": plan.soak_s,
        "warm_up_s": plan.soak_warm_up_s,
        "rate": plan.soak_rate,
        "samples": samples,
        "sent": outcome.sent,
        "failed": outcome.failed,
        "answered": outcome.answered,
        "poison": asdict(poisoner.outcome),
        "same_process": same_process,
        "files_left": files_after - files_before,
    }


def _sample(backend: Backend) -> dict[str, Any]:
    try:
        return asdict(usage_of(backend.server))
    except (psutil.NoSuchProcess, LookupError):
        # It is gone; the page says so by `same_process`.
        return {}


def _files_on_disk(temporary: Path) -> int:
    """Where the service could leave something behind."""
    settings = load_settings(env_file=None)
    folders = (temporary, settings.temp_images_dir, settings.saved_eyes_dir, PROJECT_ROOT / "src" / "assets")
    return sum(1 for folder in folders for file in folder.rglob("*") if file.is_file())
