"""Two backends behind the gateway: one is killed, one is told to stop, both are restarted in turn, and good traffic
goes on all the while.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.bench.summary import percentile
from lab.chaos.backend import Backend
from lab.chaos.good_traffic import UNLIMITED, good_requests
from lab.chaos.plan import Plan
from lab.chaos.say import Say
from lab.chaos.steady_load import SteadyJob, SteadyLoad
from lab.common.backend import free_port
from lab.common.gateway import GatewayProcess

_CONNECTIONS = 16
_LONGEST_SECONDS = 900.0


def measure_failover(plan: Plan, bodies: Mapping[str, Path], folder: Path, say: Say) -> dict[str, Any]:
    """Every fault with its time, and what the client counted.

    A fault waits until the one before is over for a while, as restarts in turn do in life: a request that the gateway
    offered to a backend which was still starting has only the other one left.
    """
    faults: list[dict[str, Any]] = []
    with (
        Backend(free_port(), folder / "failover.first.log") as first,
        Backend(free_port(), folder / "failover.second.log") as second,
        GatewayProcess(folder / "failover.gateway", [first.port, second.port], RATE_PER_ADDRESS=UNLIMITED) as gateway,
        SteadyLoad(SteadyJob(gateway.port, good_requests(bodies), plan.failover_rate, _CONNECTIONS)) as load,
    ):
        time.sleep(plan.failover_calm_s)

        def commit(what: str, backend: Backend, is_kill: bool) -> None:
            say(what)
            began = load.elapsed_s
            came_back = _kill(backend) if is_kill else _restart(backend)
            faults.append(
                {
                    "what": what,
                    "at_s": round(began, 1),
                    "back_after_s": round(load.elapsed_s - began, 1),
                    "came_back": came_back,
                }
            )
            time.sleep(plan.failover_calm_s)

        commit("kill -9 the first", first, True)
        commit("SIGTERM to the second, and start it", second, False)
        commit("SIGTERM to the first, and start it", first, False)
        commit("kill -9 the second", second, True)
        while load.elapsed_s * plan.failover_rate < plan.failover_requests + _CONNECTIONS:
            if load.elapsed_s > _LONGEST_SECONDS:
                break
            time.sleep(0.5)
        faults_end_s = load.elapsed_s
    outcome = load.outcome
    latencies = outcome.latencies_ms
    return {
        "faults": faults,
        "calm_s": plan.failover_calm_s,
        "seconds": round(faults_end_s, 1),
        "sent": outcome.sent,
        "failed": outcome.failed,
        "answered": outcome.answered,
        "p50_ms": percentile(latencies, 50) if latencies else None,
        "p99_ms": percentile(latencies, 99) if latencies else None,
        "slowest_ms": max(latencies, default=None),
    }


def _kill(backend: Backend) -> str:
    """Who brought it back."""
    pid = backend.server_pid()
    backend.kill_server()
    # Where something watches over the server, it needs a moment to see it gone; where nothing does, nothing runs now.
    time.sleep(0.5)
    brought_back_by = "its supervisor" if backend.is_running else "the test"
    if not backend.is_running:
        backend.start()
    backend.wait_until_ready(but_not=pid)
    return brought_back_by


def _restart(backend: Backend) -> str:
    backend.stop()
    backend.start()
    backend.wait_until_ready()
    return "the test"
