"""Good traffic through the gateway: beside every attack, while two backends are killed and restarted, and for half an
hour with some poison in it, to one backend which is looked into.
"""

from __future__ import annotations

import base64
import contextlib
import os
import random
import resource
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from lab.chaos.attacks import ATTACKS, GARBAGE, MALFORMED_CHUNKS, SMUGGLING, Conditions, Observed
from lab.chaos.mutated_pictures import seed_pictures
from lab.chaos.mutated_requests import HttpRequest
from lab.chaos.plan import Trial
from lab.common.backend import ServiceProcess
from lab.common.gateway import UNLIMITED, GatewayProcess
from lab.common.http import NoReply, exchange
from lab.common.load import SteadyJob, SteadyLoad, SteadyOutcome
from lab.common.summary import percentile
from lab.common.work import PREDICT_1, PREDICT_5, UPLOAD, requests_of
from src.config.settings import PROJECT_ROOT, load_settings

TRAFFIC = (UPLOAD, UPLOAD, UPLOAD, PREDICT_1)
"""What ordinary clients send, in turn."""
_SPARE_DESCRIPTORS = 200
_SETTLING_SECONDS = 1.0
_FAILOVER_CONNECTIONS = 16
_LONGEST_FAILOVER_SECONDS = 900.0

# Of twenty good requests of the soak in turn: mostly what is mostly sent.
_MIXTURE = (UPLOAD,) * 8 + (PREDICT_1,) + (UPLOAD,) * 7 + (PREDICT_1,) * 3 + (PREDICT_5,)
_POISON_SHARE = 0.05
_SAMPLES = 600
_SHORTEST_SAMPLE_SECONDS = 0.5
_SAY_EVERY_SECONDS = 300.0
_SEED = 17
_REPLY_SECONDS = 60.0
_OVERSIZE_BYTES = 60_000_000


def measure_attacks(trial: Trial) -> dict[str, Any]:
    """Traffic alone, and beside each attack; the same backend has to live through all of them."""
    plan, bodies = trial.plan, trial.bodies
    _allow_descriptors(2 * plan.idle_connections + _SPARE_DESCRIPTORS)
    with (
        ServiceProcess(trial.folder / "backend.log") as backend,
        GatewayProcess(trial.folder / "gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
    ):
        job = SteadyJob(gateway.port, requests_of(TRAFFIC, bodies), plan.attack_rate)
        good = bodies[UPLOAD.name]
        conditions = Conditions(gateway.port, plan.attack_s, good, plan.idle_connections, plan.large_body_mb)
        # The first is a warm-up.
        _, alone = (_traffic_alone(job, plan.attack_s) for _ in range(2))
        attacks: list[dict[str, Any]] = []
        for title, attack in ATTACKS.items():
            trial.say(title)
            attacks.append({"title": title, **_measure(attack, conditions, job, backend)})
        trial.say("good traffic alone, once more")
        alone_afterwards = _traffic_alone(job, plan.attack_s)
    return {"alone": alone, "alone_afterwards": alone_afterwards, "attacks": attacks}


def figures_of(outcome: SteadyOutcome) -> dict[str, Any]:
    """Requests `sent`, those `failed` that had no answer 200, and the latencies of all others in milliseconds."""
    latencies = outcome.latencies_ms
    return {
        "sent": outcome.sent,
        "failed": len(outcome.failed),
        "problems": [problem for _at, _path, problem in outcome.failed[:5]],
        "p50_ms": percentile(latencies, 50) if latencies else None,
        "p99_ms": percentile(latencies, 99) if latencies else None,
    }


def _traffic_alone(job: SteadyJob, seconds: float) -> dict[str, Any]:
    with SteadyLoad(job) as load:
        time.sleep(seconds)
    return figures_of(load.outcome)


def _measure(
    attack: Callable[[Conditions], Observed], conditions: Conditions, job: SteadyJob, backend: ServiceProcess
) -> dict[str, Any]:
    pid, before = backend.server_pid, backend.resident_megabytes
    error = None
    with SteadyLoad(job) as load:
        started = time.perf_counter()
        observed: dict[str, Any] = {}
        try:
            observed = asdict(attack(conditions))
        except OSError as refused:
            error = f"{type(refused).__name__}: {refused}"
        seconds = time.perf_counter() - started
        time.sleep(_SETTLING_SECONDS)
    lives = backend.server_pid == pid
    return {
        "seconds": round(seconds, 1),
        "observed": observed,
        "error": error,
        "traffic": figures_of(load.outcome),
        "backend_lives": lives,
        "resident_mb": [round(before, 1), round(backend.resident_megabytes, 1) if lives else None],
    }


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        allowed = count if hard == resource.RLIM_INFINITY else min(count, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def measure_failover(trial: Trial) -> dict[str, Any]:
    """Every fault with its time, and what the client counted.

    A fault waits until the one before is over for a while, as restarts in turn do in life: a request that the gateway
    offered to a backend which was still starting has only the other one left.
    """
    plan, folder = trial.plan, trial.folder
    faults: list[dict[str, Any]] = []
    with (
        ServiceProcess(folder / "first.log") as first,
        ServiceProcess(folder / "second.log") as second,
        GatewayProcess(folder / "gateway", [first.port, second.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
        SteadyLoad(
            SteadyJob(gateway.port, requests_of(TRAFFIC, trial.bodies), plan.failover_rate, _FAILOVER_CONNECTIONS)
        ) as load,
    ):
        time.sleep(plan.failover_calm_s)

        def commit(what: str, fault: Callable[[ServiceProcess], str], backend: ServiceProcess) -> None:
            trial.say(what)
            began = load.elapsed_s
            came_back = fault(backend)
            took = load.elapsed_s - began
            faults.append(
                {"what": what, "at_s": round(began, 1), "back_after_s": round(took, 1), "came_back": came_back}
            )
            time.sleep(plan.failover_calm_s)

        commit("kill -9 the first", _kill, first)
        commit("SIGTERM to the second, and start it", _restart, second)
        commit("SIGTERM to the first, and start it", _restart, first)
        commit("kill -9 the second", _kill, second)
        enough_s = (plan.failover_requests + _FAILOVER_CONNECTIONS) / plan.failover_rate
        time.sleep(max(0.0, min(enough_s, _LONGEST_FAILOVER_SECONDS) - load.elapsed_s))
        seconds = load.elapsed_s
    outcome = load.outcome
    return {
        **figures_of(outcome),
        "faults": faults,
        "calm_s": plan.failover_calm_s,
        "seconds": round(seconds, 1),
        "failed": outcome.failed,
        "answered": outcome.answered,
        "slowest_ms": max(outcome.latencies_ms, default=None),
    }


def _kill(backend: ServiceProcess) -> str:
    """Who brought it back."""
    killed = backend.server_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    backend.wait_for_health(200, by_another_than=killed)
    return "its supervisor"


def _restart(backend: ServiceProcess) -> str:
    backend.stop()
    backend.start()
    backend.wait_for_health(200)
    return "the test"


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
        _poison(gateway.port, plan.soak_rate * _POISON_SHARE / (1 - _POISON_SHARE)) as poison_answers,
    ):
        pid, said = backend.server_pid, 0.0
        files_before = _files_on_disk(Path(temporary))
        while load.elapsed_s < plan.soak_s:
            samples.append({"at_s": round(load.elapsed_s, 1)})
            # Where it is gone, the page says so by `same_process`.
            with contextlib.suppress(psutil.NoSuchProcess, LookupError):
                samples[-1].update(backend.usage)
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
        "poison": {"sent": sum(poison_answers.values()), "answers": poison_answers},
        "same_process": same_process,
        "files_left": files_after - files_before,
    }


def _files_on_disk(temporary: Path) -> int:
    """Where the service could leave something behind."""
    settings = load_settings(env_file=None)
    folders = (temporary, settings.temp_images_dir, settings.saved_eyes_dir, PROJECT_ROOT / "src" / "assets")
    return sum(1 for folder in folders for file in folder.rglob("*") if file.is_file())


@contextlib.contextmanager
def _poison(port: int, rate: float) -> Iterator[Counter[str]]:
    """Sends poison at a steady rate from a thread, as long as the `with` block lasts; counts the answers so far:
    statuses, and "closed" where there was none.
    """
    answers: Counter[str] = Counter()
    stop = threading.Event()

    def work() -> None:
        started = time.perf_counter()
        for index, request in enumerate(_poisons()):
            if stop.wait(max(0.0, started + index / rate - time.perf_counter())):
                return
            try:
                answers[str(exchange(port, request, _REPLY_SECONDS).status)] += 1
            except NoReply:
                answers["closed"] += 1

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join(_REPLY_SECONDS)


def _poisons() -> Iterator[bytes]:
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
