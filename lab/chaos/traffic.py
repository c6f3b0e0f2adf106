"""Good traffic through the gateway: beside every attack, and while two backends are killed and restarted."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from lab.chaos.attacks import ATTACKS, Attack, Conditions
from lab.chaos.plan import Trial
from lab.common.backend import ServiceProcess
from lab.common.gateway import UNLIMITED, GatewayProcess
from lab.common.load import SteadyJob, SteadyLoad, SteadyOutcome
from lab.common.summary import percentile
from lab.common.work import PREDICT_1, UPLOAD, requests_of

# What ordinary clients send, in turn.
_TRAFFIC = (UPLOAD, UPLOAD, UPLOAD, PREDICT_1)
_SPARE_DESCRIPTORS = 200
_SETTLING_SECONDS = 1.0
_FAILOVER_CONNECTIONS = 16
_LONGEST_FAILOVER_SECONDS = 900.0


def measure_attacks(trial: Trial) -> dict[str, Any]:
    """Traffic alone, and beside each attack; the same backend has to live through all of them."""
    plan, bodies = trial.plan, trial.bodies
    _allow_descriptors(2 * plan.idle_connections + _SPARE_DESCRIPTORS)
    with (
        ServiceProcess(trial.folder / "backend.log") as backend,
        GatewayProcess(trial.folder / "gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
    ):
        job = SteadyJob(gateway.port, requests_of(_TRAFFIC, bodies), plan.attack_rate)
        conditions = Conditions(
            gateway.port, plan.attack_s, bodies[UPLOAD.name], plan.idle_connections, plan.large_body_mb
        )
        # The first is a warm-up.
        _, alone = (_traffic_alone(job, plan.attack_s) for _ in range(2))
        attacks: list[dict[str, Any]] = []
        for attack in ATTACKS:
            trial.say(attack.title)
            attacks.append(_measure(attack, conditions, job, backend))
        trial.say("good traffic alone, once more")
        alone_afterwards = _traffic_alone(job, plan.attack_s)
    return {"alone": alone, "alone_afterwards": alone_afterwards, "attacks": attacks}


def _figures_of(outcome: SteadyOutcome) -> dict[str, Any]:
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
    return _figures_of(load.outcome)


def _measure(attack: Attack, conditions: Conditions, job: SteadyJob, backend: ServiceProcess) -> dict[str, Any]:
    pid, before = backend.server_pid, backend.resident_megabytes
    error = None
    with SteadyLoad(job) as load:
        started = time.perf_counter()
        observed: dict[str, Any] = {}
        try:
            observed = asdict(attack.run(conditions))
        except OSError as refused:
            error = f"{type(refused).__name__}: {refused}"
        seconds = time.perf_counter() - started
        time.sleep(_SETTLING_SECONDS)
    lives = backend.server_pid == pid
    return {
        "title": attack.title,
        "seconds": round(seconds, 1),
        "observed": observed,
        "error": error,
        "traffic": _figures_of(load.outcome),
        "backend_lives": lives,
        "resident_mb": [round(before, 1), round(backend.resident_megabytes, 1) if lives else None],
    }


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (count if hard == resource.RLIM_INFINITY else min(count, hard), hard)
            )


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
            SteadyJob(gateway.port, requests_of(_TRAFFIC, trial.bodies), plan.failover_rate, _FAILOVER_CONNECTIONS)
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
        **_figures_of(outcome),
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
