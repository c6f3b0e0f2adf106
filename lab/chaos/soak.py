"""Mixed load with some poison in it for half an hour, through the gateway to one backend, which is looked into."""

from __future__ import annotations

import base64
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from lab.chaos.attacks import GARBAGE, MALFORMED_CHUNKS, SMUGGLING
from lab.chaos.mutated_pictures import seed_pictures
from lab.chaos.mutated_requests import HttpRequest
from lab.chaos.plan import Trial
from lab.common.backend import ServiceProcess
from lab.common.gateway import UNLIMITED, GatewayProcess
from lab.common.http import NoReply, exchange
from lab.common.load import SteadyJob, SteadyLoad
from lab.common.work import PREDICT_1, PREDICT_5, UPLOAD, requests_of
from src.config.settings import PROJECT_ROOT, load_settings

# Of twenty good requests in turn: mostly what is mostly sent.
_MIXTURE = (UPLOAD,) * 8 + (PREDICT_1,) + (UPLOAD,) * 7 + (PREDICT_1,) * 3 + (PREDICT_5,)
POISON_SHARE = 0.05
"""Of all requests."""

_SAMPLES = 600
_SHORTEST_SAMPLE_SECONDS = 0.5
_SAY_EVERY_SECONDS = 300.0
_SEED = 17
_REPLY_SECONDS = 60.0
_OVERSIZE_BYTES = 60_000_000


def measure_soak(trial: Trial) -> dict[str, Any]:
    """Samples of the server process, every good request, and what the poison was answered."""
    plan, folder = trial.plan, trial.folder
    samples: list[dict[str, Any]] = []
    interval = max(_SHORTEST_SAMPLE_SECONDS, plan.soak_s / _SAMPLES)
    requests = requests_of(_MIXTURE, trial.bodies)
    with (
        # A folder of its own for temporary files: whatever the service leaves in it is a leak.
        tempfile.TemporaryDirectory() as temporary,
        ServiceProcess(folder / "backend.log", TMPDIR=temporary) as backend,
        GatewayProcess(folder / "gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
        SteadyLoad(SteadyJob(gateway.port, requests, plan.soak_rate, connections=16)) as load,
        Poisoner(gateway.port, plan.soak_rate * POISON_SHARE / (1 - POISON_SHARE)) as poisoner,
    ):
        pid, said = backend.server_pid, 0.0
        files_before = _files_on_disk(Path(temporary))
        while load.elapsed_s < plan.soak_s:
            samples.append({"at_s": round(load.elapsed_s, 1), **_sample(backend)})
            if load.elapsed_s - said >= _SAY_EVERY_SECONDS:
                said = load.elapsed_s
                trial.say(f"{said / 60:.0f} of {plan.soak_s / 60:.0f} minutes, {samples[-1].get('resident_mb')} MiB")
            time.sleep(interval)
        same_process = backend.server_pid == pid
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
        "poison": {"sent": sum(poisoner.answers.values()), "answers": poisoner.answers},
        "same_process": same_process,
        "files_left": files_after - files_before,
    }


def _sample(backend: ServiceProcess) -> dict[str, Any]:
    try:
        return asdict(backend.usage)
    except (psutil.NoSuchProcess, LookupError):
        # It is gone; the page says so by `same_process`.
        return {}


def _files_on_disk(temporary: Path) -> int:
    """Where the service could leave something behind."""
    settings = load_settings(env_file=None)
    folders = (temporary, settings.temp_images_dir, settings.saved_eyes_dir, PROJECT_ROOT / "src" / "assets")
    return sum(1 for folder in folders for file in folder.rglob("*") if file.is_file())


class Poisoner:
    """Sends poison at a steady rate from a thread, as long as the `with` block lasts.

    Attributes:
        answers: statuses, and "closed" where there was none, and how often so far.
    """

    def __init__(self, port: int, rate: float) -> None:
        self._port = port
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.answers: Counter[str] = Counter()

    def __enter__(self) -> Poisoner:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(_REPLY_SECONDS)

    def _work(self) -> None:
        started = time.perf_counter()
        for index, request in enumerate(poisons()):
            due = started + index / self._rate
            if self._stop.wait(max(0.0, due - time.perf_counter())):
                return
            try:
                answer = str(exchange(self._port, request, _REPLY_SECONDS).status)
            except NoReply:
                answer = "closed"
            self.answers[answer] += 1


def poisons() -> Iterator[bytes]:
    """Requests without end, of each kind in turn: the same on every run."""
    chance = random.Random(_SEED)  # noqa: S311 - not for secrets
    oversize = _posted("/upload", b'{"image": "')
    oversize = oversize.replace(b"Content-Length: 11", b"Content-Length: %d" % _OVERSIZE_BYTES)
    while True:
        yield _posted("/upload", b'{"image": "%s"}' % _bent_picture(chance))
        yield _posted("/predict", b'[{"image": "%s", "box": {"x": 1e308}}, 7]' % _bent_picture(chance))
        yield _posted("/predict", b"[" * chance.randrange(1, 5000))
        yield chance.choice(MALFORMED_CHUNKS)
        yield oversize
        yield chance.choice((*SMUGGLING, *GARBAGE))


def _posted(path: str, body: bytes) -> bytes:
    return HttpRequest("POST", path, (("Content-Type", "application/json"),), body).raw


def _bent_picture(chance: random.Random) -> bytes:
    """Base64 of a picture with a few bytes changed or its end cut off."""
    file = bytearray(chance.choice(list(seed_pictures().values())))
    for _ in range(chance.randrange(1, 8)):
        file[chance.randrange(len(file))] = chance.randrange(256)
    if chance.random() < 0.3:
        del file[chance.randrange(len(file)) :]
    return base64.b64encode(bytes(file))
