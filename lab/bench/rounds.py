"""A round: each side in turn is started, sent the same work and stopped; then the floor is measured.

Only one of them runs at a time. Rounds are interleaved, so that whatever else happens on the machine meets all sides,
and each round begins with another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from lab.bench.agreement import Answers, ask, requests_of_all_works
from lab.bench.floor import layouts, measure_passes, measure_pictures
from lab.bench.plan import SIDES, Plan, Side
from lab.common.backend import ServiceProcess
from lab.common.http import Client
from lab.common.load import Job, Outcome, SteadyJob, SteadyLoad, run_apart
from lab.common.summary import percentile
from lab.common.work import PREDICT_1, PREDICT_5, UPLOAD, WORKS, Work, requests_of

_WARM_UP_REQUESTS = 2
_PROBES_PER_SECOND = 20.0
_MEMORY_AT_ONCE = 16
_MEMORY_SAMPLE_SECONDS = 0.25
# Of twenty requests in turn, mostly what clients mostly send.
_MEMORY_MIXTURE = (*[UPLOAD] * 16, *[PREDICT_1] * 3, PREDICT_5)


def measure_round(
    plan: Plan, index: int, bodies: Mapping[str, Path], log_folder: Path, say: Callable[[str], None]
) -> tuple[dict[str, Any], dict[str, Answers]]:
    """One round, of which the first is 0.

    Returns:
        the figures: `sides` by name (see `_measure_side`), `floor` with one entry per layout and its `passes`, and
        `pictures` (see `floor`); and the answers of each side to one request of each work.
    """
    chosen = [side for side in SIDES if side.name in plan.sides]
    start = index % len(chosen)
    sides: dict[str, dict[str, Any]] = {}
    answers: dict[str, Answers] = {}
    for side in (*chosen[start:], *chosen[:start]):
        say(side.title)
        with side.process(log_folder) as process:
            sides[side.name], answers[side.name] = _measure_side(process, plan, bodies)
    say("the floor")
    figures = {
        "sides": {side.name: sides[side.name] for side in chosen},
        "floor": [{**asdict(layout), "passes": measure_passes(layout, plan.floor_seconds)} for layout in layouts()],
        "pictures": measure_pictures(plan.floor_seconds),
    }
    return figures, answers


def _measure_side(process: ServiceProcess, plan: Plan, bodies: Mapping[str, Path]) -> tuple[dict[str, Any], Answers]:
    """
    Returns:
        `ready_s`, seconds until /health said 200; `memory_ready_mb`, resident MiB then; `memory_end_mb`, after all
        work; `precision` of its passes, None where it does not say; `first_ms`, latencies of the first and the second
        request of a work, alone; `cells`, one per work and number of requests at once, see `_cell`; and the answers to
        one request of each work.
    """
    figures = {"ready_s": process.ready_s, "memory_ready_mb": process.resident_megabytes}
    with Client(process.port) as client:
        model = orjson.loads(client.ask("/health").body).get("model") or {}
    first_ms = {
        work.name: run_apart(Job(process.port, requests_of([work], bodies), 1, count=2)).latencies_ms
        for work in (UPLOAD, PREDICT_5)
    }
    answers = ask(process.port, requests_of_all_works(1))
    cells: list[dict[str, Any]] = []
    for work in WORKS:
        run_apart(Job(process.port, requests_of([work], bodies), 1, count=_WARM_UP_REQUESTS))
        per_second = None
        for at_once in plan.at_once:
            if per_second is not None and at_once > per_second * plan.patience_s:
                cells.append({"work": work.name, "at_once": at_once, "left_out": True})
                continue
            cells.append(_measure_cell(process, work, at_once, plan, bodies))
            per_second = cells[-1]["requests_per_s"] or None
    figures["memory_end_mb"] = process.resident_megabytes
    return {**figures, "precision": model.get("precision"), "first_ms": first_ms, "cells": cells}, answers


def _measure_cell(
    process: ServiceProcess, work: Work, at_once: int, plan: Plan, bodies: Mapping[str, Path]
) -> dict[str, Any]:
    job = Job(process.port, requests_of([work], bodies), at_once, plan.seconds)
    cpu = process.cpu_s
    if at_once < max(plan.at_once):
        return _cell(work, at_once, run_apart(job), process.cpu_s - cpu)
    # With four connections, an answer that takes a fifth of a second delays no other probe.
    with SteadyLoad(SteadyJob(process.port, [("/health", "")], _PROBES_PER_SECOND, connections=4)) as probe:
        outcome = run_apart(job)
    health = {"health_ms": probe.outcome.latencies_ms, "health_failures": len(probe.outcome.failed)}
    return {**_cell(work, at_once, outcome, process.cpu_s - cpu), **health}


def _cell(work: Work, at_once: int, outcome: Outcome, cpu_s: float) -> dict[str, Any]:
    """`cpu_s` is the processor time of the side meanwhile."""
    latencies = outcome.latencies_ms
    answered = len(latencies)
    return {
        "work": work.name,
        "at_once": at_once,
        "answered": answered,
        "requests_per_s": round(answered / outcome.elapsed_s, 3) if outcome.elapsed_s else 0.0,
        **{f"p{share}_ms": round(percentile(latencies, share), 2) if latencies else None for share in (50, 95, 99)},
        "refused": outcome.refused,
        "given_up": outcome.given_up,
        "errors": outcome.errors,
        "stages_ms": {name: round(milliseconds, 3) for name, milliseconds in outcome.stages_ms.items()},
        "cpu_ms_per_request": round(cpu_s * 1000 / answered, 2) if answered else None,
        "client_share_of_a_core": round(outcome.client_cpu_s / outcome.elapsed_s, 3) if outcome.elapsed_s else None,
    }


def measure_memory(side: Side, bodies: Mapping[str, Path], requests: int, log_folder: Path) -> dict[str, Any]:
    """Memory in MiB at equal intervals while that many requests of all kinds are sent, 16 at once."""
    with side.process(log_folder) as process, ThreadPoolExecutor(1) as sender:
        samples = [round(process.resident_megabytes, 1)]
        mixture = requests_of(_MEMORY_MIXTURE, bodies)
        sending = sender.submit(run_apart, Job(process.port, mixture, _MEMORY_AT_ONCE, count=requests))
        while wait([sending], _MEMORY_SAMPLE_SECONDS).not_done:
            samples.append(round(process.resident_megabytes, 1))
        outcome = sending.result()
    return {"requests": len(outcome.latencies_ms), "resident_mb": samples, "errors": outcome.errors}
