"""Every attack on the gateway, with good traffic beside it."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.bench.summary import percentile
from lab.bench.work import UPLOAD
from lab.chaos.attacks import ATTACKS, Attack, Conditions
from lab.chaos.backend import Backend, usage_of
from lab.chaos.good_traffic import UNLIMITED, good_requests
from lab.chaos.plan import Plan
from lab.chaos.say import Say
from lab.chaos.steady_load import SteadyJob, SteadyLoad, SteadyOutcome
from lab.common.backend import free_port
from lab.common.gateway import GatewayProcess

_SPARE_DESCRIPTORS = 200
_SETTLING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Traffic:
    """Good traffic during an attack.

    Attributes:
        sent: requests.
        failed: those without an answer 200.
        problems: what came instead, the first few.
        p50_ms: latency of the answered.
        p99_ms: likewise.
    """

    sent: int
    failed: int
    problems: list[str]
    p50_ms: float | None
    p99_ms: float | None


def measure_attacks(plan: Plan, bodies: Mapping[str, Path], folder: Path, say: Say) -> dict[str, Any]:
    """Traffic alone, and beside each attack; the same backend has to live through all of them."""
    _allow_descriptors(2 * plan.idle_connections + _SPARE_DESCRIPTORS)
    attacks: list[dict[str, Any]] = []
    with (
        Backend(free_port(), folder / "attacks.backend.log") as backend,
        GatewayProcess(folder / "attacks.gateway", [backend.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
    ):
        job = SteadyJob(gateway.port, good_requests(bodies), plan.attack_rate)
        conditions = Conditions(
            gateway.port, plan.attack_s, bodies[UPLOAD.name], plan.idle_connections, plan.large_body_mb
        )
        _traffic_alone(job, plan.attack_s)
        alone = _traffic_alone(job, plan.attack_s)
        for attack in ATTACKS:
            say(attack.title)
            attacks.append(_measure(attack, conditions, job, backend))
        say("good traffic alone, once more")
        alone_afterwards = _traffic_alone(job, plan.attack_s)
    return {"alone": asdict(alone), "alone_afterwards": asdict(alone_afterwards), "attacks": attacks}


def traffic_of(outcome: SteadyOutcome) -> Traffic:
    """The figures of what a steady client counted."""
    latencies = outcome.latencies_ms
    return Traffic(
        outcome.sent,
        len(outcome.failed),
        [problem for _at, _path, problem in outcome.failed[:5]],
        percentile(latencies, 50) if latencies else None,
        percentile(latencies, 99) if latencies else None,
    )


def _traffic_alone(job: SteadyJob, seconds: float) -> Traffic:
    with SteadyLoad(job) as load:
        time.sleep(seconds)
    return traffic_of(load.outcome)


def _measure(attack: Attack, conditions: Conditions, job: SteadyJob, backend: Backend) -> dict[str, Any]:
    pid, before = backend.server_pid(), usage_of(backend.server)
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
    lives = backend.server_pid() == pid
    after = usage_of(backend.server) if lives else None
    return {
        "name": attack.name,
        "title": attack.title,
        "seconds": round(seconds, 1),
        "observed": observed,
        "error": error,
        "traffic": asdict(traffic_of(load.outcome)),
        "backend_lives": lives,
        "resident_mb": [before.resident_mb, after.resident_mb if after else None],
    }


def _allow_descriptors(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (count if hard == resource.RLIM_INFINITY else min(count, hard), hard)
            )
